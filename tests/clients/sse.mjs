// graphql-sse in both modes: a connection for each operation, and one connection for all.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';
import { createProduct, graphql, register, until, url } from './shop.mjs';

const key = { 'x-api-key': process.env.API_SECRET };

async function check(singleConnection) {
  const product = await createProduct();
  const headers = await register();
  const client = createClient({ url: `${url}/graphql`, singleConnection, headers, retryAttempts: 0 });
  const failed = (error) => assert.fail(`the stream failed: ${error}`);

  const query = await new Promise((resolve, reject) => {
    let result;
    const sink = { next: (value) => (result = value), error: reject, complete: () => resolve(result) };
    client.subscribe({ query: `{ product(id: "${product}") { name } }` }, sink);
  });
  assert.deepEqual(query, { data: { product: { name: 'Sock' } } });

  const quantities = [];
  const subscription = `subscription ($ids: [ID!]) { productChanged(ids: $ids) { quantity } }`;
  const request = { query: subscription, variables: { ids: [product] } };
  const next = ({ data }) => quantities.push(data.productChanged.quantity);
  const stop = client.subscribe(request, { next, error: failed, complete: () => {} });
  await until(() => quantities.length === 1, 'the current state');
  const receive = `mutation ($id: ID!) { receiveStock(id: $id, quantity: 5) { quantity } }`;
  await graphql(receive, { id: product }, key);
  await until(() => quantities.length === 2, 'the change');
  assert.deepEqual(quantities, [100, 105]);
  stop();

  await assert.rejects(async () => {
    for await (const { errors } of client.iterate({ query: '{ nothing }' })) {
      if (errors) throw errors;
    }
  });
  client.dispose();
}

await check(false);
await check(true);
process.exit(0);
