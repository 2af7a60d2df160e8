import { ObjectId } from 'mongodb';

import { ProductCache } from '../shared/cache.js';
import { DATABASE } from '../shared/environment.js';
import { notFound } from '../shared/errors.js';
import { isId, parseId } from '../shared/ids.js';
import { connectKafka, ORDER_PLACED } from '../shared/kafka.js';
import { connectMongo } from '../shared/mongo.js';
import { createApp, listen, run } from '../shared/service.js';
import { count, createProductIndexes, readAll, readMany, readPage, search } from './products.js';
import { Sales } from './sales.js';

const LARGEST_INT = 2_147_483_647;

const NEW_PRODUCT = {
  type: 'object',
  required: ['name', 'price', 'quantity'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 500 },
    price: { type: 'integer', minimum: 0, maximum: LARGEST_INT },
    quantity: { type: 'integer', minimum: 0, maximum: LARGEST_INT },
    description: { type: ['string', 'null'], maxLength: 65_536 },
  },
};
const PAGE = {
  type: 'object',
  properties: {
    first: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
    after: { type: 'string' },
    offset: { type: 'integer', minimum: 0, default: 0 },
    search: { type: 'string', maxLength: 200 },
  },
};

run('catalog', async (host, port) => {
  const { client, database } = await connectMongo();
  const [cache, kafka] = await Promise.all([ProductCache.connect(), connectKafka('catalog')]);
  const products = database.collection('products');
  await createProductIndexes(products);
  const sales = await Sales.open(client, database);
  const consumer = await confirmPlacedOrders(kafka, sales);

  const app = createApp();
  // The answers of reads are JSON that the cache stores. They are sent unparsed.
  const sendJson = (reply, json) => reply.type('application/json; charset=utf-8').send(json);

  app.get('/products', async (request, reply) =>
    sendJson(reply, await cache.list('all', async () => JSON.stringify(await readAll(products)))),
  );
  app.get('/products/by-ids', async (request, reply) => {
    const ids = request.query.ids.toLowerCase().split(',').filter(isId);
    if (ids.length === 0) return [];
    const load = async (missing) => {
      const found = await readMany(
        products,
        missing.map((id) => ObjectId.createFromHexString(id)),
      );
      return new Map(found.map((product) => [product._id.toHexString(), JSON.stringify(product)]));
    };
    return sendJson(reply, `[${(await cache.products(ids, load)).join()}]`);
  });
  app.get('/products/page', { schema: { querystring: PAGE } }, async (request, reply) => {
    const { first, after, offset, search: words } = request.query;
    const load = async () =>
      JSON.stringify(
        words
          ? await search(products, words, first, offset)
          : await readPage(products, first, after && parseId(after, 'after')),
      );
    return sendJson(reply, await cache.list(JSON.stringify([first, after, offset, words]), load));
  });
  app.get('/products/count', async (request) => ({ count: await count(products, request.query.search) }));
  app.get('/products/:id/stock', async (request) => {
    const { id } = request.params;
    // Sales are read first: an order between both reads then counts as reserved.
    const sold = await sales.sold(id);
    const product = await products.findOne({ _id: parseId(id, 'id') });
    if (!product) throw notFound(`There is no product ${id}.`);
    return { onHand: product.quantity, reserved: product.ordered - sold, sold };
  });
  app.post('/products', { schema: { body: NEW_PRODUCT } }, async (request, reply) => {
    const { name, price, quantity, description } = request.body;
    const product = { _id: new ObjectId(), name, price, quantity, description: description ?? undefined };
    await products.insertOne({ ...product, ordered: 0, createdAt: new Date() });
    await cache.invalidate([]);
    return reply.code(201).send(product);
  });

  return {
    port: await listen(app, host, port),
    close: async () => {
      await app.close();
      await consumer.disconnect();
      await Promise.all([cache.close(), client.close()]);
    },
  };
});

/** Consumes the events of placed orders. Returns once the consumer has its partitions. */
async function confirmPlacedOrders(kafka, sales) {
  const consumer = kafka.consumer({
    groupId: `${DATABASE}.catalog`,
    // Larger batches need fewer transactions. An event waits at most 100 ms for others.
    minBytes: 16_384,
    maxWaitTimeInMs: 100,
    // After a crash, the next consumer waits for this time.
    sessionTimeout: 10_000,
  });
  await consumer.connect();
  await consumer.subscribe({ topic: ORDER_PLACED, fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    eachBatch: ({ batch }) => sales.confirm(batch.messages.map(({ value }) => JSON.parse(value))),
  });
  await joined;
  return consumer;
}
