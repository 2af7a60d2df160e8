import { badInput, notFound } from '../shared/errors.js';
import { parseId } from '../shared/ids.js';

export const MOST_UNITS = 1_000_000;
const DUPLICATE_KEY = 11_000;

/** The cart of each user: units by product id, in the order of their addition. */
export class Carts {
  #carts;
  #products;

  constructor(database) {
    this.#carts = database.collection('carts');
    this.#products = database.collection('products');
  }

  async read(userId) {
    return view(userId, await this.#carts.findOne({ _id: userId }));
  }

  /** Adds units of a product. Concurrent additions are all kept. */
  async add(userId, productId, quantity) {
    const _id = parseId(productId, 'productId');
    if (!(await this.#products.findOne({ _id }, { projection: { _id: 1 } }))) {
      throw notFound(`There is no product ${productId}.`);
    }
    const cart = await this.#increase(userId, `lines.${_id.toHexString()}`, quantity);
    if (!cart) throw badInput('quantity', `must be at most ${MOST_UNITS} in total.`);
    return view(userId, cart);
  }

  /** Returns the changed cart, or null if the line would have too many units. */
  async #increase(userId, line, quantity) {
    const filter = {
      _id: userId,
      $or: [{ [line]: { $exists: false } }, { [line]: { $lte: MOST_UNITS - quantity } }],
    };
    const update = { $inc: { [line]: quantity }, $set: { updatedAt: new Date() } };
    try {
      return await this.#carts.findOneAndUpdate(filter, update, { upsert: true, returnDocument: 'after' });
    } catch (error) {
      if (error.code !== DUPLICATE_KEY) throw error;
      // The cart exists: the line has too many units, or a concurrent request created the cart.
      return this.#carts.findOneAndUpdate(filter, update, { returnDocument: 'after' });
    }
  }
}

function view(userId, cart) {
  const lines = Object.entries(cart?.lines ?? {}).map(([productId, quantity]) => ({ productId, quantity }));
  return { _id: `user:${userId}`, userId, lines };
}
