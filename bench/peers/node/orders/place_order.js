import { ObjectId } from 'mongodb';

import { badInput, notFound, ServiceError } from '../shared/errors.js';
import { parseId } from '../shared/ids.js';
import { KeyedLock } from './keyed_lock.js';

/** Places orders: the stock and the order change in one transaction. */
export class OrderPlacement {
  #client;
  #products;
  #orders;
  #lock = new KeyedLock();

  constructor(client, database) {
    this.#client = client;
    this.#products = database.collection('products');
    this.#orders = database.collection('orders');
  }

  /** Returns the new order. Fails with OUT_OF_STOCK if a line exceeds the stock. Then nothing is ordered. */
  async place(userId, requested) {
    const lines = parseLines(requested);
    const found = await this.#read(lines);
    rejectUnknown(lines, found);
    rejectShort(lines, found);
    const order = newOrder(userId, lines, found);
    const ids = lines.map(({ id }) => id);
    if (!(await this.#lock.run(ids, () => this.#commit(order, lines)))) {
      rejectShort(lines, await this.#read(lines));
      throw new ServiceError(409, 'CONFLICT', 'The stock changed. Place the order again.');
    }
    return order;
  }

  async #read(lines) {
    const filter = { _id: { $in: lines.map(({ _id }) => _id) } };
    const found = await this.#products
      .find(filter, { projection: { name: 1, price: 1, quantity: 1 } })
      .toArray();
    return new Map(found.map((product) => [product._id.toHexString(), product]));
  }

  /** Returns whether the order was committed. It is not if a line exceeds the stock. */
  async #commit(order, lines) {
    const updates = lines.map(({ _id, quantity }) => ({
      updateOne: {
        filter: { _id, quantity: { $gte: quantity } },
        update: { $inc: { quantity: -quantity, ordered: quantity } },
      },
    }));
    return this.#client.withSession((session) =>
      session.withTransaction(
        async () => {
          const { modifiedCount } = await this.#products.bulkWrite(updates, { session });
          if (modifiedCount < lines.length) {
            await session.abortTransaction();
            return false;
          }
          await this.#orders.insertOne(order, { session });
          return true;
        },
        { writeConcern: { w: 'majority' } },
      ),
    );
  }
}

/** Parses the ids of lines. Rejects a product that has two lines. */
function parseLines(requested) {
  const seen = new Set();
  return requested.map(({ _id: text, quantity }, index) => {
    const field = `products[${index}]._id`;
    const _id = parseId(text, field);
    const id = _id.toHexString();
    if (seen.has(id)) throw badInput(field, 'is in the order twice. Send one line with the sum.');
    seen.add(id);
    return { _id, id, quantity };
  });
}

function rejectUnknown(lines, found) {
  const unknown = lines.find(({ id }) => !found.has(id));
  if (unknown) throw notFound(`There is no product ${unknown.id}.`);
}

function rejectShort(lines, found) {
  const short = lines
    .map(({ id, quantity }) => ({
      _id: id,
      id,
      requested: quantity,
      available: found.get(id)?.quantity ?? 0,
    }))
    .filter(({ requested, available }) => requested > available);
  if (short.length > 0) {
    const message = 'Not enough units are in stock. `lines` lists the units that are available.';
    throw new ServiceError(409, 'OUT_OF_STOCK', message, { lines: short });
  }
}

function newOrder(userId, lines, found) {
  const products = lines.map(({ _id, id, quantity }) => {
    const { name, price } = found.get(id);
    return { _id, name, quantity, unitPrice: price, total: price * quantity };
  });
  return {
    _id: new ObjectId(),
    userId,
    status: 'PENDING',
    products,
    total: products.reduce((sum, { total }) => sum + total, 0),
    createdAt: new Date(),
  };
}
