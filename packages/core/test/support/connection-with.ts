// A connection whose sending is watched, or changed, by a test.

import type { Connection } from "../../src/transport.js";

export function connectionWith(connection: Connection, send: Connection["send"]): Connection {
  return {
    get remote() {
      return connection.remote;
    },
    get buffered() {
      return connection.buffered;
    },
    send,
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
  };
}
