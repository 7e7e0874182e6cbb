// How lines come to the monitor: as text in pieces, out of files that grow, of standard input and of requests.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { MeshError } from "@causalmesh/core";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { METRICS_CONTENT_TYPE } from "../metrics-format.js";

/** A line that is longer is none, nor is a request with more. */
const TEXT_BYTES_MAX = 1024 * 1024;
const READ_BYTES = 64 * 1024;
/** Looking, instead of being told, works for files of every kind of file system. */
const LOOK_MS = 500;
/** What says that the lines are meant for a monitor: a page of the web cannot send it without being asked. */
export const LINES_TYPE = "application/x-ndjson";

/** Takes the text of one line; what is wrong with it is the taker's to note. */
export type TakeLine = (text: string) => void;

/** Cuts pieces of UTF-8 into lines. */
export class Lines {
  readonly #take: TakeLine;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  constructor(take: TakeLine) {
    this.#take = take;
  }

  push(piece: Uint8Array | string): void {
    const lines = (this.#rest + (typeof piece === "string" ? piece : this.#decoder.write(Buffer.from(piece)))).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#take(line);
    if (this.#rest.length <= TEXT_BYTES_MAX) return;
    this.#take(this.#rest);
    this.#rest = "";
  }

  end(): void {
    if (this.#rest !== "") this.#take(this.#rest);
    this.#rest = "";
  }
}

/** Reads a file as it grows, from its beginning, until it is closed. Throws OPTION_INVALID where it cannot be read. */
export class FollowedFile {
  readonly #descriptor: number;
  readonly #lines: Lines;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  readonly #timer: NodeJS.Timeout;
  #at = 0;

  constructor(path: string, take: TakeLine) {
    try {
      this.#descriptor = openSync(path, "r");
      if (!fstatSync(this.#descriptor).isFile()) throw new Error("it is no file");
    } catch (error) {
      throw new MeshError("OPTION_INVALID", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
    }
    this.#lines = new Lines(take);
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Reads what is new. */
  look(): void {
    // Somebody has emptied it, as log rotation does: what it has now is new.
    if (fstatSync(this.#descriptor).size < this.#at) this.#at = 0;
    for (;;) {
      const read = readSync(this.#descriptor, this.#buffer, 0, READ_BYTES, this.#at);
      if (read === 0) return;
      this.#at += read;
      this.#lines.push(this.#buffer.subarray(0, read));
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.look();
    this.#lines.end();
    closeSync(this.#descriptor);
  }
}

/** The routes: lines come in, metrics go out. */
export function monitorApp(take: TakeLine, metrics: () => string): Hono {
  const app = new Hono();
  app.get("/livez", (c) => c.text("ok\n"));
  app.get("/metrics", (c) => c.body(metrics(), 200, { "content-type": METRICS_CONTENT_TYPE }));
  const limit = bodyLimit({
    maxSize: TEXT_BYTES_MAX,
    onError: (c) => c.text(`a request has at most ${TEXT_BYTES_MAX} bytes: send the lines in several\n`, 413),
  });
  app.post("/lines", limit, async (c) => {
    if (c.req.header("content-type") !== LINES_TYPE) return c.text(`lines are sent as ${LINES_TYPE}\n`, 415);
    for (const line of (await c.req.text()).split("\n")) take(line);
    return c.body(null, 204);
  });
  app.notFound((c) => c.text("there are /lines (POST), /livez and /metrics\n", 404));
  return app;
}
