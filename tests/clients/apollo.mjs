// Apollo Client with its default cache.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { createProduct, placeOrder, register, until, url } from './shop.mjs';

const headers = await register();
const product = await createProduct();
const client = (cache) =>
  new ApolloClient({ link: new HttpLink({ uri: `${url}/graphql`, headers }), cache });

// Two orders of one product keep their own quantities.
await placeOrder(headers, product, 7);
await placeOrder(headers, product, 1);
const apollo = client(new InMemoryCache());
const { data } = await apollo.query({
  query: gql`{ orderConnection(first: 10) { nodes { id lines { id quantity product { id name } } } } }`,
});
const quantities = data.orderConnection.nodes.map(({ lines }) => lines[0].quantity);
assert.deepEqual(quantities, [1, 7], 'each order has its own quantity');

// A cart that a component watches shows what a mutation adds.
const counts = [];
const cart = apollo.watchQuery({ query: gql`{ cart { id lines { id quantity } } }` });
cart.subscribe(({ data }) => data?.cart && counts.push(data.cart.lines.map(({ quantity }) => quantity)));
await until(() => counts.length === 1, 'the empty cart');
const add = gql`mutation ($product: ID!, $quantity: Int!) {
  addToCart(productId: $product, quantity: $quantity) { id lines { id quantity } }
}`;
await apollo.mutate({ mutation: add, variables: { product, quantity: 2 } });
await until(() => counts.length === 2, 'the cart after the first addition');
await apollo.mutate({ mutation: add, variables: { product, quantity: 1 } });
await until(() => counts.length === 3, 'the cart after the second addition');
assert.deepEqual(counts, [[], [2], [3]]);

// Pages merge into one list.
const word = `paged${randomUUID().replaceAll('-', '')}`;
for (let n = 0; n < 5; n += 1) await createProduct(`Sock ${word}`);
const paged = client(
  new InMemoryCache({
    typePolicies: { Query: { fields: { productConnection: relayStylePagination(['filter']) } } },
  }),
);
const query = gql`query ($search: String!, $after: String) {
  productConnection(filter: { search: $search }, first: 2, after: $after) {
    totalCount
    edges { cursor node { id name } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const variables = { search: word };
const pages = paged.watchQuery({ query, variables });
const shown = [];
pages.subscribe(({ data }) => data?.productConnection && shown.push(data.productConnection.edges.length));
await until(() => shown.length === 1, 'the first page');
let { pageInfo } = paged.readQuery({ query, variables }).productConnection;
while (pageInfo.hasNextPage) {
  const more = await pages.fetchMore({ variables: { after: pageInfo.endCursor } });
  pageInfo = more.data.productConnection.pageInfo;
}
await until(() => shown.at(-1) === 5, 'the merged pages');
const { totalCount, edges } = paged.readQuery({ query, variables }).productConnection;
assert.equal(totalCount, 5);
assert.equal(new Set(edges.map(({ node }) => node.id)).size, 5);
process.exit(0);
