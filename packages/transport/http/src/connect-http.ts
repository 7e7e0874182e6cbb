// A mesh behind HTTP, as its user holds it: the interface of an embedded or TCP mesh over nothing but fetch, for the edge and for
// functions that must not keep connections.

import {
  AmbientMesh,
  asyncStorage,
  checkNamespace,
  MeshError,
  parseDuration,
  limits,
  type CallOptions,
  type Durability,
  type Mesh,
  type MeshStatus,
  type Session,
  type SessionOptions,
  type TokenInput,
  type Transaction,
} from "@causalmesh/core";
import { Exchanger, type FetchLike } from "./exchange.js";
import { checkToken, HttpSession } from "./http-session.js";

/** Options of `connectHttp`. */
export interface ConnectHttpOptions {
  /** Where an HTTP front listens, such as `https://mesh.example.com`; several are tried in turn where one fails. */
  readonly url: string | readonly string[];
  /** The namespace whose keys sessions read and write. */
  readonly namespace: string;
  readonly apiKey?: string;
  /** The fetch to use; default: the platform's. */
  readonly fetch?: FetchLike;
  /** Default 5 s. */
  readonly timeoutMs?: number;
  readonly durability?: Durability;
  /** Whether a write whose answer was lost is made again (default), or reported as OUTCOME_UNKNOWN. */
  readonly retryWrites?: boolean;
}

/**
 * A mesh behind one or more HTTP fronts. Nothing is sent before the first call; tokens are checked by the server then. Throws OPTION_INVALID or
 * ADDRESS_INVALID.
 */
export function connectHttp(options: ConnectHttpOptions): Mesh {
  const { url, apiKey } = options;
  const urls = (Array.isArray(url) ? (url as readonly string[]) : [url as string]).map(checkUrl);
  if (urls.length === 0) throw new MeshError("OPTION_INVALID", "give the url of at least one HTTP front, such as http://127.0.0.1:8080");
  if (apiKey !== undefined && (typeof apiKey !== "string" || !/^[\x21-\x7e]+$/.test(apiKey)))
    throw new MeshError("OPTION_INVALID", "the apiKey has characters that a header cannot carry");
  const platformFetch: FetchLike = (to, init) => fetch(to, init);
  return new HttpMesh(options, new Exchanger({ urls, apiKey, fetch: options.fetch ?? platformFetch }));
}

function checkUrl(url: unknown): string {
  try {
    const { protocol, href, search, hash, username } = new URL(url as string);
    if ((protocol === "http:" || protocol === "https:") && search === "" && hash === "" && username === "") return href.replace(/\/+$/, "");
  } catch {
    // Told below.
  }
  throw new MeshError("ADDRESS_INVALID", `${String(url)} is no URL of an HTTP front; write it as https://mesh.example.com, without user, query and fragment`);
}

class HttpMesh extends AmbientMesh {
  readonly #options: ConnectHttpOptions;
  readonly #exchanger: Exchanger;
  readonly #timeoutMs: number;
  readonly #factories = new Map<string, Promise<{ value: unknown; token: string }>>();

  constructor(options: ConnectHttpOptions, exchanger: Exchanger) {
    super({ asyncStorage });
    checkNamespace(options.namespace);
    this.#options = options;
    this.#exchanger = exchanger;
    this.#timeoutMs = options.timeoutMs === undefined ? limits.CALL_TIMEOUT_MS_DEFAULT : parseDuration(options.timeoutMs, "timeoutMs");
  }

  session(token?: TokenInput, options: SessionOptions = {}): Session {
    const tokens = token === undefined ? [] : typeof token === "string" ? [token] : token;
    if (!Array.isArray(tokens)) throw new MeshError("TOKEN_MALFORMED", "a token is a string; give the one that session.token() returned");
    for (const one of tokens) checkToken(one);
    return this.#open(tokens, options);
  }

  #open(tokens: readonly string[], options: SessionOptions): HttpSession {
    this.#exchanger.checkOpen();
    const { urls } = this.#exchanger;
    const at = options.node === undefined ? Math.floor(Math.random() * urls.length) : urls.indexOf(options.node.replace(/\/+$/, ""));
    if (at < 0) throw new MeshError("OPTION_INVALID", `${options.node} is none of the HTTP fronts: ${urls.join(", ")}`);
    return new HttpSession(tokens, at, {
      exchanger: this.#exchanger,
      namespace: checkNamespace(options.namespace ?? this.#options.namespace),
      timeoutMs: options.timeoutMs === undefined ? this.#timeoutMs : parseDuration(options.timeoutMs, "timeoutMs"),
      durability: options.durability ?? this.#options.durability,
      retryWrites: this.#options.retryWrites ?? true,
      factories: this.#factories,
    });
  }

  /** The token is believed or not by the server, with the first call. */
  transaction(token: string, options: SessionOptions = {}): Transaction {
    return this.#open([], options).resume(checkToken(token));
  }

  /** Asks for a session, and so whether there is a server, whether the API key is good, and whether a node answers. */
  async ready(options: CallOptions = {}): Promise<void> {
    await (this.session(undefined, options) as HttpSession).token(options);
  }

  /** Takes an API key with the role admin; FORBIDDEN otherwise. */
  async status({ timeoutMs = this.#timeoutMs, signal }: CallOptions = {}): Promise<MeshStatus> {
    const call = { method: "GET", path: "/v1/status", headers: {}, timeoutMs, signal, repeatable: true, answers: [200], at: 0 };
    const { bytes } = await this.#exchanger.call(call);
    return JSON.parse(new TextDecoder().decode(bytes)) as MeshStatus;
  }

  async close(): Promise<void> {
    this.#exchanger.close();
  }
}
