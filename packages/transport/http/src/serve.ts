// The HTTP front on a port of this machine: node:http or node:https around the handler, with the limits that keep a stranger from holding a
// connection, a buffer or the process.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from "node:https";
import { isIPv6, type Socket } from "node:net";
import { MeshError, parseDuration, type Duration, type Mesh } from "@causalmesh/core";
import { getRequestListener } from "@hono/node-server";
import { httpHandler, type HttpHandler, type HttpHandlerOptions } from "./handler.js";
import {
  CLOSE_TIMEOUT_MS_DEFAULT,
  CONNECTIONS_MAX_DEFAULT,
  HEADER_BYTES_MAX,
  HEADERS_TIMEOUT_MS_DEFAULT,
  IDLE_TIMEOUT_MS_DEFAULT,
  REQUEST_TIMEOUT_MS_DEFAULT,
  TIMEOUT_CHECK_MS,
} from "./limits.js";
import { Problem, problemHeaders, problemOf, problemResponse, type HttpErrorCode } from "./problem.js";

export interface ServeHttpOptions extends HttpHandlerOptions {
  /** Default 127.0.0.1. Other interfaces than loopback need `apiKeys`, or `allowUnauthenticated`. */
  readonly host?: string;
  /** Default 0: any free port; `server.url` names it. */
  readonly port?: number;
  /** Serves HTTPS with these: `key`, `cert` and whatever else node:https takes, such as `ca` and `requestCert` for client certificates. */
  readonly tls?: TlsServerOptions;
  /** Time for the header lines of a request. Default 10 s. */
  readonly headersTimeout?: Duration;
  /** Time for a whole request. Default 30 s. */
  readonly requestTimeout?: Duration;
  /** Connections at a time; beyond it new ones are closed at once. Default 10 000. */
  readonly connectionsMax?: number;
  /** Time for requests under way when the server is closed. Default 10 s. */
  readonly closeTimeout?: Duration;
}

/** A running server. */
export interface HttpServer {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Asks for the API keys now. Rejects where that fails; the keys of before stay then. */
  reloadApiKeys(): Promise<void>;
  /** New connections are met with this key and certificate; those that are open go on. Throws OPTION_INVALID where they do not fit. */
  reloadTls(tls: TlsServerOptions): void;
  /** Takes no new connections, answers the requests under way, and closes. The mesh stays open. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Serves a mesh over HTTP. Rejects with OPTION_INVALID, ADDRESS_IN_USE or ADDRESS_INVALID. */
export async function serveHttp(mesh: Mesh, options: ServeHttpOptions = {}): Promise<HttpServer> {
  const host = options.host ?? "127.0.0.1";
  const isLocal = isLoopback(host);
  if (options.apiKeys === undefined && !isLocal && options.allowUnauthenticated !== true) {
    throw new MeshError(
      "OPTION_INVALID",
      `${host} can be reached from other machines, and there are no API keys: give apiKeys, listen at 127.0.0.1, or say allowUnauthenticated: true to let anyone read and write`,
    );
  }
  const openToLocals = options.apiKeys === undefined && options.allowUnauthenticated !== true;
  const handler = await httpHandler(mesh, { ...options, allowUnauthenticated: options.apiKeys === undefined });
  const running = new RunningServer(openToLocals ? guardHost(handler) : handler, options);
  await running.listen(host, options.port ?? 0);
  return running;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Without API keys a web page could reach the server through a name of its own that it lets point here. */
function guardHost(handler: HttpHandler): HttpHandler {
  return {
    ...handler,
    fetch: async (request) => {
      const { hostname } = new URL(request.url);
      if (isLoopback(hostname.replace(/^\[|\]$/g, ""))) return await handler.fetch(request);
      return problemResponse(new Problem("FORBIDDEN", `without API keys the server answers to localhost and 127.0.0.1 only, not to ${hostname}`));
    },
  };
}

class RunningServer implements HttpServer {
  readonly #handler: HttpHandler;
  readonly #server: Server;
  readonly #isTls: boolean;
  readonly #closeTimeoutMs: number;
  /** The answer under way on each connection. */
  readonly #answers = new Map<unknown, ServerResponse>();
  #url = "";
  #closing: Promise<void> | undefined;

  constructor(handler: HttpHandler, options: ServeHttpOptions) {
    this.#handler = handler;
    this.#isTls = options.tls !== undefined;
    this.#closeTimeoutMs = durationOf(options, "closeTimeout", CLOSE_TIMEOUT_MS_DEFAULT);
    const limits = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: durationOf(options, "headersTimeout", HEADERS_TIMEOUT_MS_DEFAULT),
      requestTimeout: durationOf(options, "requestTimeout", REQUEST_TIMEOUT_MS_DEFAULT),
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    };
    const listener = getRequestListener((request) => handler.fetch(request), { overrideGlobalObjects: false, errorHandler: unreadable });
    const listen = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
      const { socket } = incoming;
      outgoing.shouldKeepAlive &&= this.#closing === undefined;
      this.#answers.set(socket, outgoing);
      outgoing.once("close", () => {
        if (this.#answers.get(socket) === outgoing) this.#answers.delete(socket);
        if (this.#closing !== undefined) this.#server.closeIdleConnections();
      });
      void listener(incoming, outgoing);
    };
    this.#server =
      options.tls === undefined
        ? createServer(limits, listen)
        : withTls(() => createTlsServer({ handshakeTimeout: limits.headersTimeout, ...options.tls, ...limits }, listen));
    this.#server.timeout = IDLE_TIMEOUT_MS_DEFAULT;
    this.#server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX_DEFAULT;
    this.#server.on("clientError", (error, socket) => {
      const answer = this.#answers.get(socket);
      // Within an answer nothing else can be said any more.
      if (answer?.headersSent === true) socket.destroy();
      else refuse(error, socket as Socket);
    });
  }

  get url(): string {
    return this.#url;
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        const inUse = error.code === "EADDRINUSE";
        const what = inUse ? "is in use by another program; choose another port" : `cannot be listened on (${error.code ?? error.message})`;
        reject(new MeshError(inUse ? "ADDRESS_IN_USE" : "ADDRESS_INVALID", `the HTTP address ${host}:${port} ${what}`, { cause: error }));
      };
      this.#server.once("error", failed);
      try {
        this.#server.listen(port, host, () => {
          this.#server.off("error", failed);
          const taken = (this.#server.address() as { port: number }).port;
          this.#url = `${this.#isTls ? "https" : "http"}://${isIPv6(host) ? `[${host}]` : host}:${taken}`;
          resolve();
        });
      } catch (error) {
        failed(error as Error);
      }
    });
  }

  async reloadApiKeys(): Promise<void> {
    await this.#handler.reloadApiKeys();
  }

  reloadTls(tls: TlsServerOptions): void {
    const server = this.#server;
    if (!("setSecureContext" in server)) throw new MeshError("OPTION_INVALID", "the server speaks HTTP without TLS; begin it with tls");
    withTls(() => (server as Server & { setSecureContext(options: TlsServerOptions): void }).setSecureContext(tls));
  }

  async close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      const late = setTimeout(() => this.#server.closeAllConnections(), this.#closeTimeoutMs);
      this.#server.close(() => {
        clearTimeout(late);
        resolve();
      });
      for (const answer of this.#answers.values()) answer.shouldKeepAlive = false;
      this.#server.closeIdleConnections();
    });
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function durationOf(options: ServeHttpOptions, name: "closeTimeout" | "headersTimeout" | "requestTimeout", fallback: number): number {
  return options[name] === undefined ? fallback : parseDuration(options[name], name);
}

function withTls<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    throw new MeshError("OPTION_INVALID", `tls cannot be used: ${(error as Error).message}; give a key and the certificate that belongs to it, as PEM`, {
      cause: error,
    });
  }
}

/** A request that cannot even be taken for one, such as without a host. */
function unreadable(): Response {
  return problemResponse(new Problem("REQUEST_INVALID", "the request has no host or no valid path"));
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [HttpErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: ["HEADERS_TOO_LARGE", `the header lines take more than ${HEADER_BYTES_MAX} bytes; join sessions with POST /v1/session/join`],
  ERR_HTTP_REQUEST_TIMEOUT: ["REQUEST_TIMEOUT", "the request did not arrive whole in time"],
};

/** Answers what is no HTTP, too large or too slow, and closes the connection. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [code, detail] = CLIENT_ERRORS[error.code ?? ""] ?? ["REQUEST_INVALID", "this is no HTTP/1.1 request"];
  const problem = problemOf(new Problem(code, detail));
  const body = JSON.stringify(problem);
  const headers = { ...problemHeaders(problem), "content-length": String(Buffer.byteLength(body)), connection: "close" };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join("")}\r\n${body}`, () => socket.destroy());
}
