// urql with its default cache, which keeps whole results and drops those with a type that a mutation returned.
import assert from 'node:assert/strict';
import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';
import { createProduct, placeOrder, register, until, url } from './shop.mjs';

const headers = await register();
const product = await createProduct();
await placeOrder(headers, product, 7);
await placeOrder(headers, product, 1);
const client = new Client({
  url: `${url}/graphql`,
  exchanges: [cacheExchange, fetchExchange],
  fetchOptions: { headers },
  preferGetMethod: false,
});

const orders = gql`{ orderConnection(first: 10) { nodes { id lines { id quantity product { id name } } } } }`;
const { data, error } = await client.query(orders, {});
assert.ifError(error);
const quantities = data.orderConnection.nodes.map(({ lines }) => lines[0].quantity);
assert.deepEqual(quantities, [1, 7], 'each order has its own quantity');

const counts = [];
const { unsubscribe } = client
  .query(gql`{ cart { id lines { id quantity } } }`, {})
  .subscribe(({ data }) => counts.push(data.cart.lines.map(({ quantity }) => quantity)));
await until(() => counts.length === 1, 'the empty cart');
const add = gql`mutation ($product: ID!) { addToCart(productId: $product, quantity: 2) { id lines { id quantity } } }`;
const added = await client.mutation(add, { product });
assert.ifError(added.error);
await until(() => counts.at(-1)[0] === 2, 'the cart after the addition');
unsubscribe();

const page = gql`query ($after: String) {
  orderConnection(first: 1, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
}`;
const first = await client.query(page, {});
const after = first.data.orderConnection.pageInfo.endCursor;
const second = await client.query(page, { after });
assert.notEqual(first.data.orderConnection.nodes[0].id, second.data.orderConnection.nodes[0].id);
assert.equal(second.data.orderConnection.pageInfo.hasNextPage, false);
process.exit(0);
