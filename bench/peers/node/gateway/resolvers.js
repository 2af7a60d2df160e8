import { GraphQLError } from 'graphql';

import { byId, byOffset, checkFirst, connection } from './connections.js';

const CURRENCY = 'USD';
const id = ({ _id }) => _id;
const currency = () => CURRENCY;
/** The subtotal has no discount and no tax, and the shop has neither. So it is the total. */
const subtotal = ({ total }) => total;

const Query = {
  me: (_, __, { caller, services }) => services.users.get(`/users/${caller.requireUser()}`),
  users: async (_, __, { caller, services }) => {
    const user = caller.scope;
    return user ? [await services.users.get(`/users/${user}`)] : services.users.get('/users');
  },
  user: (_, { id: requested }, { caller, services }) => {
    if (requested !== caller.userId) caller.requireStaff();
    return services.users.get(`/users/${encodeURIComponent(requested)}`);
  },
  products: (_, __, { services }) => services.catalog.get('/products'),
  product: async (_, { id: requested }, { products }) => {
    const product = await products.load(requested);
    if (product) return product;
    throw new GraphQLError(`There is no product ${requested}.`, { extensions: { code: 'NOT_FOUND' } });
  },
  productConnection: async (_, { first, after, filter }, { services: { catalog } }) => {
    const search = filter?.search?.trim() || undefined;
    const cursors = search ? byOffset : byId;
    const position = cursors.parse(after);
    const query = { first: checkFirst(first), search, ...position };
    const { products, hasNextPage } = await catalog.get('/products/page', query);
    return connection({
      nodes: products,
      hasNextPage,
      hasPreviousPage: Boolean(after),
      cursors,
      position,
      totalCount: async () => (await catalog.get('/products/count', { search })).count,
    });
  },
  cart: (_, __, { caller, services }) => services.orders.get(`/carts/${caller.requireUser()}`),
  orders: async (_, __, { caller, services }) => {
    const { orders } = await services.orders.get('/orders', { userId: caller.scope });
    return orders;
  },
  order: (_, { id: requested }, { caller, services }) =>
    services.orders.get(`/orders/${encodeURIComponent(requested)}`, { userId: caller.scope }),
  orderConnection: async (_, { first, after }, { caller, services }) => {
    const userId = caller.scope;
    const position = byId.parse(after);
    const query = { first: checkFirst(first), userId, ...position };
    const { orders, hasNextPage } = await services.orders.get('/orders', query);
    return connection({
      nodes: orders,
      hasNextPage,
      hasPreviousPage: Boolean(after),
      cursors: byId,
      position,
      totalCount: async () => (await services.orders.get('/orders/count', { userId })).count,
    });
  },
};

const Mutation = {
  registerUser: (_, { input }, { services }) => services.users.post('/users/register', input),
  login: (_, { input }, { services }) => services.users.post('/users/login', input),
  createProduct: (_, { input }, { caller, services }) => {
    caller.requireStaff();
    return services.catalog.post('/products', input);
  },
  addToCart: (_, line, { caller, services }) =>
    services.orders.post(`/carts/${caller.requireUser()}/lines`, line),
  placeOrder: (_, { products }, { caller, services }) =>
    services.orders.post('/orders', { userId: caller.requireUser(), products: products ?? [] }),
};

/** The current product of a line of a cart or an order. */
const product = ({ productId }, _, { products }) => products.load(productId);

/** The resolvers of a cart's line. A product that does not exist has no price. */
const cartLine = {
  name: async (line, _, context) => (await product(line, _, context))?.name ?? '',
  unitPrice: async (line, _, context) => (await product(line, _, context))?.price,
  currency,
  total: async (line, _, context) => {
    const found = await product(line, _, context);
    return found && found.price * line.quantity;
  },
  available: async (line, _, context) => (await product(line, _, context))?.quantity ?? 0,
  product,
};

const Cart = {
  id,
  currency: ({ lines }) => (lines.length > 0 ? CURRENCY : null),
  total: async ({ lines }, _, { products }) => {
    if (lines.length === 0) return null;
    const found = await products.loadMany(lines.map(({ productId }) => productId));
    return lines.reduce((sum, { quantity }, index) => sum + (found[index]?.price ?? 0) * quantity, 0);
  },
  lines: ({ _id, lines }) => lines.map((line) => ({ ...line, id: `${_id}.${line.productId}` })),
  products: ({ lines }) => lines.map((line) => ({ ...line, _id: line.productId })),
};

const Order = {
  id,
  subtotal,
  currency,
  lines: ({ _id: orderId, products }) =>
    products.map((line) => ({ ...line, id: `${orderId}.${line._id}`, productId: line._id })),
  products: ({ products }) => products.map((line) => ({ ...line, productId: line._id })),
};

export const resolvers = {
  Query,
  Mutation,
  User: { id },
  Product: {
    id,
    currency,
    stock: ({ _id }, __, { caller, services }) => {
      caller.requireStaff();
      return services.catalog.get(`/products/${_id}/stock`);
    },
  },
  Stock: { received: ({ onHand, reserved, sold }) => onHand + reserved + sold },
  Cart,
  CartLine: cartLine,
  CartProduct: cartLine,
  Order,
  OrderLine: { subtotal, currency, product },
  OrderProduct: { subtotal, product },
};
