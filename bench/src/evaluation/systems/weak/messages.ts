// The requests of the cache without a promise.

export const READ = 16;
export const WRITE = 17;
/** From one server to another: forget these keys. */
export const FORGET = 18;
