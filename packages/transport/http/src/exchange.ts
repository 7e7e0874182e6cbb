// The client's way to the server: one call as HTTP requests, with a deadline, at another address where one fails, and with the server's
// problems as MeshErrors.

import { backoffMs, MeshError, type AbortSignalLike, type MeshErrorCode } from "@causalmesh/core";
import { PROBLEMS, type ProblemCode, type ProblemDetails } from "./problem.js";

/** One call of a session, before it is a request. */
export interface ClientCall {
  readonly method: string;
  /** After the server's URL, with a leading slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignalLike | undefined;
  /** Whether it may be made again where its answer was lost. */
  readonly repeatable: boolean;
  /** Statuses that are answers and no failures. */
  readonly answers: readonly number[];
  /** The address to begin at, an index. */
  readonly at: number;
}

export interface ClientAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** The address that answered, an index. */
  readonly at: number;
}

/** The part of fetch that is used. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

export interface ExchangerOptions {
  readonly urls: readonly string[];
  readonly apiKey: string | undefined;
  readonly fetch: FetchLike;
}

/** A call is given up when it has failed so often at each address. */
const ROUNDS_MAX = 3;
/** Codes that only HTTP has, as those who use the mesh's interface are told of them. */
const CODES_OF_HTTP: Partial<Record<ProblemCode, MeshErrorCode>> = {
  REQUEST_TIMEOUT: "TIMEOUT",
  HEADERS_TOO_LARGE: "TOKEN_TOO_LARGE",
  MEDIA_TYPE_UNSUPPORTED: "VALUE_INVALID",
  NOT_FOUND: "PROTOCOL",
  ROUTE_UNKNOWN: "PROTOCOL",
  METHOD_NOT_ALLOWED: "PROTOCOL",
  REQUEST_INVALID: "PROTOCOL",
  UNSUPPORTED: "PROTOCOL",
  INTERNAL: "PROTOCOL",
};

export class Exchanger {
  readonly urls: readonly string[];
  readonly #options: ExchangerOptions;
  readonly #underWay = new Set<AbortController>();
  #closed = false;

  constructor(options: ExchangerOptions) {
    this.#options = options;
    this.urls = options.urls;
  }

  /** Rejects with a MeshError, after it has tried what may help. */
  async call(call: ClientCall): Promise<ClientAnswer> {
    const deadline = Date.now() + call.timeoutMs;
    for (let attempt = 0; ; attempt++) {
      const at = (call.at + attempt) % this.urls.length;
      try {
        return await this.#attempt(call, at, deadline);
      } catch (error) {
        if (!(error instanceof MeshError) || !this.#maySucceedElsewhere(error, attempt)) throw error;
        const pauseMs = attempt + 1 < this.urls.length ? 0 : pause(attempt, error);
        if (Date.now() + pauseMs >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  #maySucceedElsewhere({ code, retryable }: MeshError, attempt: number): boolean {
    return retryable && code !== "TIMEOUT" && !this.#closed && attempt + 1 < this.urls.length * ROUNDS_MAX;
  }

  async #attempt(call: ClientCall, at: number, deadline: number): Promise<ClientAnswer> {
    if (this.#closed) throw closedError();
    const url = this.urls[at];
    const controller = new AbortController();
    let stopped: MeshError | undefined;
    const stop = (error: MeshError): void => {
      stopped ??= error;
      controller.abort();
    };
    const abort = (): void => stop(new MeshError("ABORTED", "the call was aborted by its signal; a write may still happen", { cause: call.signal?.reason }));
    if (call.signal?.aborted === true) throw new MeshError("ABORTED", "the call was aborted by its signal", { cause: call.signal.reason });
    const timer = setTimeout(() => stop(timeoutError(url)), Math.max(1, deadline - Date.now()));
    call.signal?.addEventListener("abort", abort, { once: true });
    this.#underWay.add(controller);
    try {
      const response = await this.#fetch(url, call, controller.signal);
      const bytes = new Uint8Array(await response.arrayBuffer());
      return checkAnswer({ status: response.status, headers: response.headers, bytes, at }, call, url);
    } catch (error) {
      if (error instanceof MeshError) throw error;
      throw stopped ?? (this.#closed ? closedError() : lostError(url, call, error));
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", abort);
      this.#underWay.delete(controller);
    }
  }

  async #fetch(url: string, { method, path, headers, body }: ClientCall, signal: AbortSignal): Promise<Response> {
    const { apiKey, fetch } = this.#options;
    const authorization: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    const init = { method, headers: { ...headers, ...authorization }, signal, redirect: "manual" as const };
    return await fetch(url + path, body === undefined ? init : { ...init, body: body as Uint8Array<ArrayBuffer> });
  }

  /** Ends what is under way with CLOSED. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#underWay) controller.abort();
  }

  checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}

/** At least what the server has asked for. */
function pause(attempt: number, { retryAfterMs }: MeshError): number {
  return Math.max(backoffMs(attempt, Math.random), retryAfterMs ?? 0);
}

function closedError(): MeshError {
  return new MeshError("CLOSED", "the mesh was closed; make a new one with connectHttp");
}

function timeoutError(url: string): MeshError {
  return new MeshError("TIMEOUT", `${url} did not answer in time; a write may still happen; allow more with timeoutMs`);
}

function lostError(url: string, { repeatable }: ClientCall, cause: unknown): MeshError {
  const { message, cause: reason } = cause as Error & { cause?: Error };
  const why = reason?.message ?? message;
  if (repeatable) return new MeshError("NODE_UNREACHABLE", `${url} cannot be reached: ${why}`, { cause });
  return new MeshError("OUTCOME_UNKNOWN", `${url} was lost before it answered (${why}); the write may have happened: read it, or write again`, { cause });
}

function checkAnswer(answer: ClientAnswer, { answers }: ClientCall, url: string): ClientAnswer {
  if (answers.includes(answer.status)) return answer;
  const problem = problemIn(answer);
  if (problem === undefined)
    throw new MeshError("PROTOCOL", `${url} answered with status ${answer.status} and is no CausalMesh server, or there is a proxy before it; check the URL`);
  const code = CODES_OF_HTTP[problem.code] ?? (problem.code as MeshErrorCode);
  throw new MeshError(code, problem.detail, {
    retryable: problem.retryable,
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
  });
}

function problemIn({ bytes }: ClientAnswer): ProblemDetails | undefined {
  try {
    const problem = JSON.parse(new TextDecoder().decode(bytes)) as Partial<ProblemDetails> | null;
    return typeof problem?.code === "string" && Object.hasOwn(PROBLEMS, problem.code) && typeof problem.detail === "string"
      ? (problem as ProblemDetails)
      : undefined;
  } catch {
    return undefined;
  }
}
