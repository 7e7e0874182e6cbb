// Sends lines to `causalmesh monitor`, some at a time. A line is sent once: one that came twice would be a read that went back in time. What cannot be sent, or is too much, is dropped,
// which the monitor does not mind: less is concluded then.

import type { HistoryLine } from "@causalmesh/checker";
import { MeshError } from "@causalmesh/core";

export interface PostOptions {
  /** Of the monitor, such as `http://127.0.0.1:7490`. */
  readonly url: string;
  /** Is told when lines could not be sent. */
  readonly onError?: (error: Error) => void;
}

export interface LinePoster {
  /** Takes a line, for `observed`. */
  readonly report: (line: HistoryLine) => void;
  /** Lines that were not sent. */
  readonly dropped: number;
  /** Sends what there is, and ends. */
  close(): Promise<void>;
}

const PAUSE_MS = 500;
const LINES_WAITING_MAX = 20_000;
/** Characters of one request; a monitor takes 1 MiB. */
const REQUEST_CHARACTERS_MAX = 256 * 1024;
const TIMEOUT_MS = 5_000;

/** Throws ADDRESS_INVALID. Does not keep the process alive. */
export function postLines({ url, onError }: PostOptions): LinePoster {
  return new Poster(addressOf(url), onError);
}

function addressOf(url: string): URL {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new MeshError("ADDRESS_INVALID", `${String(url)} is no URL of a monitor; write it as http://127.0.0.1:7490`);
  return new URL("lines", url.endsWith("/") ? url : `${url}/`);
}

class Poster implements LinePoster {
  readonly #url: URL;
  readonly #onError: PostOptions["onError"];
  readonly #timer: NodeJS.Timeout;
  #waiting: string[] = [];
  #sending: Promise<void> = Promise.resolve();
  #isSending = false;
  #dropped = 0;

  constructor(url: URL, onError: PostOptions["onError"]) {
    this.#url = url;
    this.#onError = onError;
    this.#timer = setInterval(() => void this.#send(), PAUSE_MS).unref();
  }

  get dropped(): number {
    return this.#dropped;
  }

  readonly report = (line: HistoryLine): void => {
    if (this.#waiting.length < LINES_WAITING_MAX) this.#waiting.push(`${JSON.stringify(line)}\n`);
    else this.#dropped += 1;
  };

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    await this.#send();
  }

  /** Sends what waits, one request after the other, so that lines arrive in their order. */
  #send(): Promise<void> {
    if (!this.#isSending && this.#waiting.length > 0) {
      this.#isSending = true;
      this.#sending = this.#sendAll().finally(() => (this.#isSending = false));
    }
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#next();
      try {
        const headers = { "content-type": "application/x-ndjson" };
        const answer = await fetch(this.#url, { method: "POST", headers, body: lines.join(""), signal: AbortSignal.timeout(TIMEOUT_MS) });
        if (!answer.ok) throw new MeshError("PROTOCOL", `the monitor at ${this.#url.href} answered with ${answer.status}`);
      } catch (error) {
        this.#dropped += lines.length;
        this.#onError?.(error as Error);
        return;
      }
    }
  }

  #next(): string[] {
    let characters = 0;
    const end = this.#waiting.findIndex((line) => (characters += line.length) > REQUEST_CHARACTERS_MAX);
    const lines = this.#waiting.slice(0, end < 0 ? undefined : Math.max(1, end));
    this.#waiting = this.#waiting.slice(lines.length);
    return lines;
  }
}
