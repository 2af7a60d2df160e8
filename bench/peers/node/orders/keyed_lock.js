/**
 * Runs work that shares a key one after another. Transactions on the same product would abort each other, and
 * each retry waits longer.
 */
export class KeyedLock {
  #last = new Map();

  /** Runs `work` after all earlier work that has one of these keys. */
  async run(keys, work) {
    const running = Promise.all(keys.map((key) => this.#last.get(key))).then(work);
    const settled = running.then(
      () => {},
      () => {},
    );
    for (const key of keys) this.#last.set(key, settled);
    try {
      return await running;
    } finally {
      for (const key of keys) if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }
}
