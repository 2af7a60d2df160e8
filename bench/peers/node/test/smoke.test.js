import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SERVERS = ['MONGODB_URL', 'KAFKA_BROKERS', 'REDIS_URL'];
const missing = SERVERS.filter((name) => !process.env[name]);
const skip = missing.length > 0 && `not set: ${missing.join(', ')}`;

const SECRET = 'a secret of the smoke test, 32 characters or more';
const PASSWORD = 'a password for measurements';
const MANY = 100_000;
const UNKNOWN_ID = 'f'.repeat(24);
const START = fileURLToPath(new URL('../start.js', import.meta.url));
process.env.MONGODB_DATABASE = `peer_test_${process.pid}`;

const asStaff = { 'x-api-key': SECRET };
const asUser = (token) => ({ authorization: `Bearer ${token}` });

let shop, mongo, fill;

describe('the start', { skip }, () => {
  for (const [name, value] of [
    ['MONGODB_URL', 'mongodb://127.0.0.1:1/'],
    ['KAFKA_BROKERS', '127.0.0.1:1'],
    ['REDIS_URL', 'redis://127.0.0.1:1'],
  ]) {
    it(`fails and names ${name} if its server can't be reached`, async () => {
      const child = spawn(process.execPath, [START], { env: environment({ [name]: value }) });
      let text = '';
      child.stderr.on('data', (data) => (text += data));
      const [exitCode] = await once(child, 'close');
      assert.equal(exitCode, 1);
      assert.match(text, new RegExp(`can't reach .*${name}`));
    });
  }
});

describe('the shop', { skip }, () => {
  before(async () => {
    const { clearCache, seed } = await import('../seed.js');
    const { connectMongo } = await import('../shared/mongo.js');
    mongo = await connectMongo();
    fill = async (options) => {
      await seed(mongo.database, options);
      await clearCache();
    };
    await fill({ products: 20 });
    shop = await Shop.start();
  });

  after(async () => {
    const code = await shop?.stop();
    await mongo?.database.dropDatabase();
    await mongo?.client.close();
    await deleteTopic();
    if (shop) assert.equal(code, 0, 'SIGTERM should end the shop with exit code 0');
  });

  for (const products of [20, 100]) {
    it(`lists ${products} products`, async () => {
      await fill({ products });
      for (let time = 0; time < 2; time++) {
        const { products: list } = await shop.query('{products{_id name price quantity}}');
        assert.equal(list.length, products);
        assert.deepEqual(list[0], { _id: id(1), name: 'Product 000001', price: 137, quantity: 1_000 });
        assert.deepEqual(
          list.map(({ _id }) => _id),
          ids(1, products),
        );
      }
    });
  }

  it('pages through products', async () => {
    const page = `query($after: String) { productConnection(first: 20, after: $after) {
      edges { cursor node { _id name price quantity } } pageInfo { hasNextPage endCursor } totalCount } }`;
    const list = await shop.query('{productConnection(first:20){edges{node{_id name price quantity}}}}');
    assert.deepEqual(
      list.productConnection.edges.map(({ node }) => node._id),
      ids(1, 20),
    );
    let after = null;
    for (let first = 1; first < 100; first += 20) {
      const { edges, pageInfo, totalCount } = (await shop.query(page, { after })).productConnection;
      assert.deepEqual(
        edges.map(({ node }) => node._id),
        ids(first, first + 19),
      );
      assert.equal(pageInfo.hasNextPage, first < 81);
      assert.equal(totalCount, 100);
      after = pageInfo.endCursor;
    }
  });

  it('reads a product', async () => {
    const one = 'query($id:ID!){product(id:$id){_id name price quantity}}';
    for (let time = 0; time < 2; time++) {
      const { product } = await shop.query(one, { id: id(7) });
      assert.deepEqual(product, { _id: id(7), name: 'Product 000007', price: 359, quantity: 1_000 });
    }
    for (const unknown of [UNKNOWN_ID, '42', '']) {
      const answer = await shop.send(one, { id: unknown });
      assert.equal(answer.data.product, null);
      assert.equal(code(answer), 'NOT_FOUND');
    }
  });

  it('creates a product with the API key only', async () => {
    const { products } = await shop.query('{products{_id}}');
    const create =
      'mutation($input: CreateProductInput!) { createProduct(input: $input) { _id name price quantity } }';
    const input = { name: 'chocolate', price: 20, quantity: 10 };
    assert.equal(code(await shop.send(create, { input })), 'UNAUTHENTICATED');
    const { _id, ...rest } = (await shop.query(create, { input }, asStaff)).createProduct;
    assert.deepEqual(rest, input);
    const list = (await shop.query('{products{_id}}')).products;
    assert.deepEqual(list, [...products, { _id }]);
  });

  it('registers a user, who signs in with the right password only', async () => {
    const { access_token, user } = await shop.register('ada');
    assert.equal(user.username, 'ada');
    assert.deepEqual((await shop.query('{me{_id username}}', {}, asUser(access_token))).me, user);
    const login = 'mutation($input: LoginInput!) { login(input: $input) { access_token } }';
    const right = await shop.query(login, { input: { username: 'Ada', password: PASSWORD } });
    assert.deepEqual((await shop.query('{me{_id username}}', {}, asUser(right.login.access_token))).me, user);
    for (const username of ['ada', 'nobody']) {
      const answer = await shop.send(login, { input: { username, password: 'not the password' } });
      assert.equal(answer.data.login, null);
      assert.equal(code(answer), 'UNAUTHENTICATED');
    }
    assert.equal(
      code(await shop.send(REGISTER, { input: { username: 'ADA', password: PASSWORD } })),
      'CONFLICT',
    );
  });

  it('adds products to a cart', async () => {
    const { access_token, user } = await shop.register('bob');
    const add =
      'mutation($id: ID!, $quantity: Int!) { addToCart(productId: $id, quantity: $quantity) { _id } }';
    await Promise.all(
      [1, 2, 3].map((quantity) => shop.query(add, { id: id(9), quantity }, asUser(access_token))),
    );
    await shop.query(add, { id: id(3), quantity: 1 }, asUser(access_token));
    const { cart } = await shop.query(
      `{cart{userId total currency lines{quantity product{_id}}
        products{_id quantity name unitPrice total available}}}`,
      {},
      asUser(access_token),
    );
    assert.deepEqual(cart, {
      userId: user._id,
      total: 6 * 433 + 211,
      currency: 'USD',
      lines: [
        { quantity: 6, product: { _id: id(9) } },
        { quantity: 1, product: { _id: id(3) } },
      ],
      products: [
        { _id: id(9), quantity: 6, name: 'Product 000009', unitPrice: 433, total: 6 * 433, available: 1_000 },
        { _id: id(3), quantity: 1, name: 'Product 000003', unitPrice: 211, total: 211, available: 1_000 },
      ],
    });
    const most = { id: id(9), quantity: 1_000_000 };
    assert.equal(code(await shop.send(add, most, asUser(access_token))), 'BAD_USER_INPUT');
    assert.equal(
      code(await shop.send(add, { id: UNKNOWN_ID, quantity: 1 }, asUser(access_token))),
      'NOT_FOUND',
    );
    assert.equal(code(await shop.send('{cart{_id}}')), 'UNAUTHENTICATED');
  });

  it('places orders and lists them with their products', async () => {
    const { access_token, user } = await shop.register('eve');
    const products = [
      { _id: id(12), quantity: 2 },
      { _id: id(11), quantity: 3 },
    ];
    const first = await shop.query(PLACE_ORDER, { products }, asUser(access_token));
    assert.deepEqual(first.placeOrder.products, products);
    assert.equal(first.placeOrder.userId, user._id);
    await shop.query(PLACE_ORDER, { products: [products[0]] }, asUser(access_token));
    const { product } = await shop.query(`{product(id: "${id(12)}") {quantity}}`);
    assert.equal(product.quantity, 996);
    await shop.stockBecomes(id(12), { received: 1_000, onHand: 996, reserved: 0, sold: 4 });

    const { orders, orderConnection } = await shop.query(
      `{orders{total products{_id quantity product{_id name}}}
        orderConnection(first: 1){
          totalCount pageInfo{hasNextPage} edges{node{lines{quantity product{name}}}}}}`,
      {},
      asUser(access_token),
    );
    const names = ['Product 000012', 'Product 000011'];
    const nested = products.map((line, index) => ({
      ...line,
      product: { _id: line._id, name: names[index] },
    }));
    assert.deepEqual(orders, [
      { total: 2 * 544, products: [nested[0]] },
      { total: 2 * 544 + 3 * 507, products: nested },
    ]);
    assert.deepEqual(orderConnection, {
      totalCount: 2,
      pageInfo: { hasNextPage: true },
      edges: [{ node: { lines: [{ quantity: 2, product: { name: names[0] } }] } }],
    });
    const other = await shop.register('mallory');
    assert.deepEqual((await shop.query('{orders{_id}}', {}, asUser(other.access_token))).orders, []);
    const theirs = await shop.send(
      `{order(id: "${first.placeOrder._id}") {_id}}`,
      {},
      asUser(other.access_token),
    );
    assert.equal(code(theirs), 'NOT_FOUND');
  });

  it('refuses invalid orders, and changes nothing', async () => {
    const { access_token } = await shop.register('trent');
    const refused = async (products, expected) => {
      const answer = await shop.send(PLACE_ORDER, { products }, asUser(access_token));
      assert.equal(answer.data.placeOrder, null);
      assert.equal(code(answer), expected);
      return answer.errors[0].extensions;
    };
    const line = { _id: id(20), quantity: 1 };
    await refused([], 'BAD_USER_INPUT');
    assert.equal((await refused([line, line], 'BAD_USER_INPUT')).field, 'products[1]._id');
    assert.equal(
      (await refused([line, { _id: id(19), quantity: 0 }], 'BAD_USER_INPUT')).field,
      'products[1].quantity',
    );
    await refused([line, { _id: UNKNOWN_ID, quantity: 1 }], 'NOT_FOUND');
    const { lines } = await refused([line, { _id: id(19), quantity: 1_001 }], 'OUT_OF_STOCK');
    assert.deepEqual(lines, [{ _id: id(19), id: id(19), requested: 1_001, available: 1_000 }]);
    assert.equal(code(await shop.send(PLACE_ORDER, { products: [line] })), 'UNAUTHENTICATED');
    await shop.stockBecomes(id(20), { received: 1_000, onHand: 1_000, reserved: 0, sold: 0 });
  });

  it('sells 50 units to 100 concurrent orders exactly once', async () => {
    const { access_token } = await shop.register('crowd');
    const input = { name: 'the last units', price: 5, quantity: 50 };
    const create = 'mutation($input: CreateProductInput!) { createProduct(input: $input) { _id } }';
    const { _id } = (await shop.query(create, { input }, asStaff)).createProduct;
    const order = 'mutation($id: String!) { placeOrder(products: [{_id: $id, quantity: 1}]) { _id } }';
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => shop.send(order, { id: _id }, asUser(access_token))),
    );
    const sold = answers.filter(({ errors }) => !errors);
    const refused = answers.filter(({ errors }) => errors);
    assert.equal(sold.length, 50);
    assert.deepEqual(new Set(refused.map(code)), new Set(['OUT_OF_STOCK']));
    await shop.stockBecomes(_id, { received: 50, onHand: 0, reserved: 0, sold: 50 });
    const { orders } = await shop.query('{orders{_id}}', {}, asUser(access_token));
    const placed = sold.map(({ data }) => data.placeOrder._id).sort();
    assert.deepEqual(orders.map((each) => each._id).sort(), placed);
  });

  it(`searches ${MANY} products`, async () => {
    await fill({ products: MANY });
    const search = `query($search: String, $after: String) {
      productConnection(first: 20, after: $after, filter: {search: $search}) {
      edges { node { _id name price quantity } } pageInfo { hasNextPage endCursor } } }`;
    const found = async (words, after) =>
      (await shop.query(search, { search: words, after })).productConnection;
    const wool = await found('wool');
    // The products with multiples of 11 are of wool, those with multiples of 13 are chairs.
    assert.deepEqual(
      wool.edges.map(({ node }) => node._id),
      Array.from({ length: 20 }, (_, index) => id(11 * (index + 1))),
    );
    const second = await found('wool', wool.pageInfo.endCursor);
    assert.deepEqual(second.edges[0].node._id, id(11 * 21));
    assert.deepEqual((await found('chair wool')).edges[1].node._id, id(2 * 11 * 13));
    const one = { _id: id(4_711), name: 'Product 004711', price: 6_107, quantity: 1_000 };
    assert.deepEqual(await found('004711'), {
      edges: [{ node: one }],
      pageInfo: { hasNextPage: false, endCursor: 'MQ' },
    });
    assert.deepEqual((await found('nothing')).edges, []);
  });
});

const REGISTER = `mutation($input: RegisterUserInput!) { registerUser(input: $input) {
  access_token user { _id username } } }`;
const PLACE_ORDER = `mutation($products: [OrderProductInput]) { placeOrder(products: $products) {
  _id userId products { _id quantity } } }`;

/** The running processes of the shop. */
class Shop {
  static async start() {
    const shop = new Shop();
    shop.child = spawn(process.execPath, [START], {
      env: environment({}),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    shop.ended = once(shop.child, 'exit');
    const lines = createInterface(shop.child.stdout);
    const [line] = await Promise.race([once(lines, 'line'), shop.ended]);
    assert.match(String(line), /^ready /, 'the shop should start');
    shop.url = `${line.slice('ready '.length)}/graphql`;
    return shop;
  }

  async stop() {
    this.child.kill('SIGTERM');
    const [exitCode] = await this.ended;
    return exitCode;
  }

  async send(query, variables, headers) {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  }

  /** Returns the data of an answer without errors. */
  async query(query, variables, headers) {
    const { data, errors } = await this.send(query, variables, headers);
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  }

  async register(username) {
    return (await this.query(REGISTER, { input: { username, password: PASSWORD } })).registerUser;
  }

  /** Waits until the events of orders have arrived, then compares the stock of a product. */
  async stockBecomes(product, expected) {
    const query = 'query($id: ID!) { product(id: $id) { stock { received onHand reserved sold } } }';
    const read = async () => (await this.query(query, { id: product }, asStaff)).product.stock;
    for (let attempt = 0; attempt < 100 && (await read()).reserved > 0; attempt++) await sleep(100);
    assert.deepEqual(await read(), expected);
  }
}

function environment(changes) {
  return { ...process.env, API_SECRET: SECRET, PORT: '0', ...changes };
}

async function deleteTopic() {
  const { connectKafka, ORDER_PLACED } = await import('../shared/kafka.js');
  const admin = (await connectKafka('test')).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [ORDER_PLACED] });
  await admin.disconnect();
}

const id = (number) => number.toString(16).padStart(24, '0');
const ids = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => id(first + index));
const code = ({ errors }) => errors?.[0].extensions.code;
