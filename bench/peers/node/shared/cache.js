import { Redis } from 'ioredis';

import { DATABASE, required } from './environment.js';

const TTL_SECONDS = 30;
/** A hash of list pages. One command removes all pages. */
const LISTS = 'products:lists';
const product = (id) => `product:${id}`;

/**
 * Products as JSON in Redis, by cache-aside: a write removes the entries after its commit. If Redis fails,
 * products come from MongoDB.
 */
export class ProductCache {
  #redis;
  /** Loads in progress. Concurrent misses of one key share a load. */
  #loads = new Map();

  static async connect() {
    const cache = new ProductCache();
    cache.#redis = new Redis(required('REDIS_URL'), {
      keyPrefix: `${DATABASE}:`,
      lazyConnect: true,
      enableAutoPipelining: true,
      commandTimeout: 1_000,
      maxRetriesPerRequest: 1,
    });
    let failure;
    cache.#redis.on('error', (error) => {
      failure = error;
    });
    try {
      await cache.#redis.connect();
    } catch (error) {
      cache.#redis.disconnect();
      throw new Error(`can't reach Redis (REDIS_URL): ${(failure ?? error).message}`);
    }
    return cache;
  }

  /** Returns the JSON of a list page. */
  async list(page, load) {
    const cached = await this.#attempt(() => this.#redis.hget(LISTS, page));
    if (cached) return cached;
    return this.#once(page, async () => {
      const json = await load();
      await this.#attempt(() =>
        Promise.all([this.#redis.hset(LISTS, page, json), this.#redis.expire(LISTS, TTL_SECONDS, 'NX')]),
      );
      return json;
    });
  }

  /** Returns the JSON of products. `load` returns the JSON of those that are not cached, by id. */
  async products(ids, load) {
    const cached = (await this.#attempt(() => this.#redis.mget(ids.map(product)))) ?? [];
    const missing = ids.filter((_, index) => !cached[index]);
    if (missing.length === 0) return cached;
    const loaded = await this.#once(missing.join(), async () => {
      const found = await load(missing);
      await this.#attempt(() =>
        Promise.all([...found].map(([id, json]) => this.#redis.set(product(id), json, 'EX', TTL_SECONDS))),
      );
      return found;
    });
    return ids.map((id, index) => cached[index] ?? loaded.get(id)).filter(Boolean);
  }

  /** Removes changed products and all lists. */
  async invalidate(ids) {
    await this.#attempt(() => this.#redis.unlink(LISTS, ...ids.map(product)));
  }

  async close() {
    await this.#redis.quit();
  }

  async #attempt(command) {
    try {
      return await command();
    } catch (error) {
      console.error(`the cache is unavailable: ${error.message}`);
      return null;
    }
  }

  #once(key, load) {
    const running = this.#loads.get(key);
    if (running) return running;
    const started = load().finally(() => this.#loads.delete(key));
    this.#loads.set(key, started);
    return started;
  }
}
