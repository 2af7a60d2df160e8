// Registers a user, puts the first product in stock into a cart, and orders it.
//
//   node order.mjs [SHOP]        SHOP is http://127.0.0.1:3000 by default. Node 18 or newer; no packages.
import { randomUUID } from 'node:crypto';

const shop = process.argv[2] ?? 'http://127.0.0.1:3000';

/** Runs a GraphQL operation. Throws an error with the code of the first refusal. */
async function graphql(query, variables = {}, headers = {}) {
  const response = await fetch(`${shop}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(`${errors[0].extensions.code}: ${errors[0].message}`);
  return data;
}

const { productConnection } = await graphql(
  'query { productConnection(first: 1, filter: { inStock: true }) { edges { node { _id name price currency } } } }');
const product = productConnection.edges[0]?.node;
if (!product) throw new Error('The shop has no product in stock. Create one first.');

const { registerUser } = await graphql(
  'mutation($name: String!, $password: String!) { registerUser(input: { username: $name, password: $password }) { access_token } }',
  { name: `guest-${randomUUID()}`, password: randomUUID() });
const authorization = `Bearer ${registerUser.access_token}`;

const { addToCart } = await graphql(
  'mutation($id: ID!) { addToCart(productId: $id, quantity: 1) { total } }', { id: product._id }, { authorization });

// The key makes the checkout safe to repeat after a lost answer. `expectedTotal` is the total that the customer saw.
const { checkoutCart } = await graphql(
  'mutation($total: Int) { checkoutCart(expectedTotal: $total) { _id status total currency products { name quantity } } }',
  { total: addToCart.total }, { authorization, 'idempotency-key': randomUUID() });
console.log(JSON.stringify(checkoutCart));
