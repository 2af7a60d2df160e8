import { ProductCache } from '../shared/cache.js';
import { notFound } from '../shared/errors.js';
import { parseId } from '../shared/ids.js';
import { connectKafka, Publisher } from '../shared/kafka.js';
import { connectMongo } from '../shared/mongo.js';
import { createApp, listen, run } from '../shared/service.js';
import { Carts, MOST_UNITS } from './carts.js';
import { OrderPlacement } from './place_order.js';

const LIST_LIMIT = 1_000;

const QUANTITY = { type: 'integer', minimum: 1, maximum: MOST_UNITS };
const NEW_ORDER = {
  type: 'object',
  required: ['userId', 'products'],
  properties: {
    userId: { type: 'string' },
    products: {
      type: 'array',
      minItems: 1,
      maxItems: 500,
      items: {
        type: 'object',
        required: ['_id', 'quantity'],
        properties: { _id: { type: 'string' }, quantity: QUANTITY },
      },
    },
  },
};
const CART_LINE = {
  type: 'object',
  required: ['productId', 'quantity'],
  properties: { productId: { type: 'string' }, quantity: QUANTITY },
};
const PAGE = {
  type: 'object',
  properties: {
    first: { type: 'integer', minimum: 1, maximum: LIST_LIMIT, default: LIST_LIMIT },
    after: { type: 'string' },
    userId: { type: 'string' },
  },
};

run('orders', async (host, port) => {
  const { client, database } = await connectMongo();
  const [cache, kafka] = await Promise.all([ProductCache.connect(), connectKafka('orders')]);
  const publisher = await Publisher.connect(kafka);
  const orders = database.collection('orders');
  await orders.createIndex({ userId: 1, _id: -1 });
  const placement = new OrderPlacement(client, database);
  const carts = new Carts(database);

  const app = createApp();
  app.post('/orders', { schema: { body: NEW_ORDER } }, async (request, reply) => {
    const order = await placement.place(request.body.userId, request.body.products);
    const products = order.products.map(({ _id, quantity }) => ({ _id: _id.toHexString(), quantity }));
    const orderId = order._id.toHexString();
    publisher.publish(orderId, { orderId, userId: order.userId, products });
    await cache.invalidate(products.map(({ _id }) => _id));
    return reply.code(201).send(order);
  });
  app.get('/orders', { schema: { querystring: PAGE } }, async (request) => {
    const { first, after, userId } = request.query;
    const filter = { userId, _id: after && { $lt: parseId(after, 'after') } };
    const found = await orders
      .find(filter)
      .sort({ _id: -1 })
      .limit(first + 1)
      .toArray();
    return { orders: found.slice(0, first), hasNextPage: found.length > first };
  });
  app.get('/orders/count', async (request) => {
    const { userId } = request.query;
    return { count: await (userId ? orders.countDocuments({ userId }) : orders.estimatedDocumentCount()) };
  });
  app.get('/orders/:id', async (request) => {
    const { id } = request.params;
    const order = await orders.findOne({ _id: parseId(id, 'id'), userId: request.query.userId });
    if (!order) throw notFound(`There is no order ${id}.`);
    return order;
  });
  app.get('/carts/:userId', (request) => carts.read(request.params.userId));
  app.post('/carts/:userId/lines', { schema: { body: CART_LINE } }, (request) =>
    carts.add(request.params.userId, request.body.productId, request.body.quantity),
  );

  return {
    port: await listen(app, host, port),
    close: async () => {
      await app.close();
      await publisher.close();
      await Promise.all([cache.close(), client.close()]);
    },
  };
});
