import { GraphQLError } from 'graphql';
import { Pool } from 'undici';

/** Calls a service over connections that stay open. */
export class ServiceClient {
  #pool;
  #name;

  constructor(name, url) {
    this.#name = name;
    this.#pool = new Pool(url, { connections: 64, headersTimeout: 15_000, bodyTimeout: 15_000 });
  }

  /** Gets a path. Undefined parameters are not sent. */
  get(path, parameters = {}) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined && value !== null) query.set(name, value);
    }
    return this.#request({ method: 'GET', path: query.size > 0 ? `${path}?${query}` : path });
  }

  post(path, body) {
    const headers = { 'content-type': 'application/json' };
    return this.#request({ method: 'POST', path, headers, body: JSON.stringify(body) });
  }

  close() {
    return this.#pool.close();
  }

  async #request(request) {
    let status, answer;
    try {
      const response = await this.#pool.request(request);
      status = response.statusCode;
      answer = await response.body.json();
    } catch (error) {
      console.error(`${this.#name}: ${request.method} ${request.path}: ${error.message}`);
      throw new GraphQLError(`The service ${this.#name} is unavailable. Try again later.`, {
        extensions: { code: 'UNAVAILABLE' },
      });
    }
    if (status < 400) return answer;
    const { message, ...extensions } = answer;
    throw new GraphQLError(message, { extensions });
  }
}
