// The shop under test, and what the clients need in it.
import { randomUUID } from 'node:crypto';

// Fails instead of waiting forever.
setTimeout(() => {
  console.error('timed out after two minutes');
  process.exit(1);
}, 120_000).unref();

export const url = process.env.SHOP_URL;
const key = process.env.API_SECRET;

/** Sends an operation and returns its data. Throws if it has errors. */
export async function graphql(query, variables = {}, headers = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Creates a product with this stock and returns its id. */
export async function createProduct(name = 'Sock', quantity = 100) {
  const query = `mutation ($input: CreateProductInput!) { createProduct(input: $input) { _id } }`;
  const data = await graphql(query, { input: { name, price: 1250, quantity } }, { 'x-api-key': key });
  return data.createProduct._id;
}

/** Registers a user and returns the headers of a signed-in request. */
export async function register() {
  const query = `mutation ($input: RegisterUserInput!) { registerUser(input: $input) { access_token } }`;
  const input = { username: `client-${randomUUID()}`, password: 'correct horse battery' };
  const data = await graphql(query, { input });
  return { authorization: `Bearer ${data.registerUser.access_token}` };
}

/** Places an order for one product. */
export async function placeOrder(headers, product, quantity) {
  const query = `mutation ($products: [OrderProductInput]) { placeOrder(products: $products) { _id } }`;
  const data = await graphql(query, { products: [{ _id: product, quantity }] }, headers);
  return data.placeOrder._id;
}

/** Waits until a condition holds, at most five seconds. */
export async function until(condition, what) {
  const end = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
