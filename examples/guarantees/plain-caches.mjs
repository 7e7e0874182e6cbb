// What is usually put between functions and a database: a cache beside each machine. It keeps what was read, and writes go through it into the database. Nobody
// tells the other caches.
export class PlainCache {
  #database;
  #kept = new Map();
  #waiting = [];

  constructor(database) {
    this.#database = database;
  }

  get(key) {
    if (!this.#kept.has(key)) this.#kept.set(key, this.#database.get(key));
    return this.#kept.get(key);
  }

  set(key, value) {
    this.#kept.set(key, value);
    this.#database.set(key, value);
  }

  /** As caches do that answer before the database has the write. */
  setBehind(key, value) {
    this.#kept.set(key, value);
    this.#waiting.push([key, value]);
  }

  flush() {
    for (const [key, value] of this.#waiting.splice(0)) this.#database.set(key, value);
  }
}

/** The caches of some machines in front of one database. */
export function plainCaches(count, entries = {}) {
  const database = new Map(Object.entries(entries));
  return { database, caches: Array.from({ length: count }, () => new PlainCache(database)) };
}
