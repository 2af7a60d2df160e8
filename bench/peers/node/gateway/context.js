import { createSecretKey, timingSafeEqual } from 'node:crypto';

import DataLoader from 'dataloader';
import { GraphQLError } from 'graphql';
import jwt from 'jsonwebtoken';

const BEARER = 'Bearer ';
/** The catalog reads at most this number of products in one request. */
const BATCH = 200;

/** Returns a function that makes the context of a request: caller, services, and a loader of products. */
export function contextFactory(secret, services) {
  const bytes = Buffer.from(secret);
  const key = createSecretKey(bytes);
  return async ({ req }) => ({
    caller: new Caller(req.headers, bytes, key),
    services,
    products: new DataLoader((ids) => loadProducts(services.catalog, ids), { maxBatchSize: BATCH }),
  });
}

/** The client of a request: anonymous, a user, or staff. */
class Caller {
  userId;
  isStaff = false;

  constructor(headers, secret, key) {
    const apiKey = headers['x-api-key'];
    if (apiKey && equal(Buffer.from(apiKey), secret)) {
      this.isStaff = true;
      return;
    }
    const { authorization } = headers;
    if (!authorization?.startsWith(BEARER)) return;
    try {
      const claims = jwt.verify(authorization.slice(BEARER.length), key, { algorithms: ['HS256'] });
      this.userId = claims.userId;
      this.isStaff = claims.role === 'ADMIN';
    } catch {
      // An invalid token opens nothing. Public fields still answer.
    }
  }

  /** Returns the id of the signed-in user. */
  requireUser() {
    if (!this.userId) throw unauthenticated('Send `Authorization: Bearer TOKEN`.');
    return this.userId;
  }

  /** Fails unless the caller is staff. */
  requireStaff() {
    if (this.isStaff) return;
    if (!this.userId) throw unauthenticated('Send the header `x-api-key`.');
    throw new GraphQLError('Only staff may do this.', { extensions: { code: 'FORBIDDEN' } });
  }

  /** Returns the user whose data the caller may read. For staff it is undefined: all users. */
  get scope() {
    return this.isStaff ? undefined : this.requireUser();
  }
}

/** Loads products in one request. Returns null for those that do not exist. */
async function loadProducts(catalog, ids) {
  const found = await catalog.get('/products/by-ids', { ids: ids.join() });
  const byId = new Map(found.map((product) => [product._id, product]));
  return ids.map((id) => byId.get(id.toLowerCase()) ?? null);
}

const equal = (left, right) => left.length === right.length && timingSafeEqual(left, right);
const unauthenticated = (message) => new GraphQLError(message, { extensions: { code: 'UNAUTHENTICATED' } });
