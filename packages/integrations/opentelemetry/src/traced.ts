// A mesh whose sessions' calls are spans. It is the mesh itself but for that: what is not traced goes through as it is.

import type { Mesh, Session } from "@causalmesh/core";
import type { Attributes, Span, Tracer } from "@opentelemetry/api";
import { api } from "./api.js";

export interface TracedOptions {
  /** Whether spans carry the keys (`causalmesh.key`, `causalmesh.keys`). They may name people, so by default they do not. Values never do. */
  readonly keys?: boolean;
  /** The tracer of spans; by default the global one named `@causalmesh/opentelemetry`. */
  readonly tracer?: Tracer;
}

type Named = keyof Session & string;

/** The calls that may go to a node, and where their keys are. */
const TRACED: ReadonlyMap<string, "key" | "keys" | "entries"> = new Map<Named, "key" | "keys" | "entries">([
  ["get", "key"],
  ["getEntry", "key"],
  ["has", "key"],
  ["set", "key"],
  ["delete", "key"],
  ["invalidate", "key"],
  ["getOrSet", "key"],
  ["increment", "key"],
  ["count", "key"],
  ["addMembers", "key"],
  ["removeMembers", "key"],
  ["members", "key"],
  ["getMany", "keys"],
  ["deleteMany", "keys"],
  ["setMany", "entries"],
]);
const TRACER_NAME = "@causalmesh/opentelemetry";
const KEYS_SHOWN_MAX = 20;

/**
 * The same mesh, whose sessions' calls are client spans within the active one: `causalmesh get`, `causalmesh set` and so on. Spans have `db.system.name`, `db.operation.name`, `causalmesh.node`, for reads of one
 * key `causalmesh.hit`, for calls with several `db.operation.batch.size`, and `error.type` with the mesh's code where a call fails. Returns the mesh as it is where `@opentelemetry/api` is not installed.
 */
export function traced<Traced extends Mesh>(mesh: Traced, options: TracedOptions = {}): Traced {
  const tracer = options.tracer ?? api?.trace.getTracer(TRACER_NAME);
  if (api === undefined || tracer === undefined) return mesh;
  const spans = new Spans(api, tracer, options.keys === true);
  return around(mesh, (name, call) => (name === "session" ? (...args: unknown[]) => tracedSession(call(...args) as Session, spans) : call));
}

function tracedSession(session: Session, spans: Spans): Session {
  return around(session, (name, call) => {
    const keysAt = TRACED.get(name);
    if (name === "fork") return () => tracedSession(call() as Session, spans);
    if (keysAt === undefined) return call;
    return (...args: unknown[]) => spans.run(session, name, keysAt, args, call);
  });
}

type Method = (...args: unknown[]) => unknown;

/** The same object but for some methods. Methods run on the object itself, as what is private to it is not to be had through another one. */
function around<Target extends object>(target: Target, replace: (name: string, method: Method) => Method): Target {
  return new Proxy(target, {
    get: (_target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method: Method = (...args) => (value as Method).apply(target, args);
      return typeof name === "string" ? replace(name, method) : method;
    },
  });
}

class Spans {
  readonly #api: NonNullable<typeof api>;
  readonly #tracer: Tracer;
  readonly #showsKeys: boolean;

  constructor(otel: NonNullable<typeof api>, tracer: Tracer, showsKeys: boolean) {
    this.#api = otel;
    this.#tracer = tracer;
    this.#showsKeys = showsKeys;
  }

  run(session: Session, name: string, keysAt: "key" | "keys" | "entries", args: unknown[], call: Method): unknown {
    // An iterable of entries may be read once only.
    const given = keysAt === "entries" && isIterable(args[0]) ? [[...args[0]], ...args.slice(1)] : args;
    const attributes = { "db.system.name": "causalmesh", "db.operation.name": name, ...this.#keyAttributes(keysAt, given[0]) };
    return this.#tracer.startActiveSpan(`causalmesh ${name}`, { kind: this.#api.SpanKind.CLIENT, attributes }, async (span) => {
      try {
        const result = await call(...given);
        const hit = hitOf(name, result);
        if (hit !== undefined) span.setAttribute("causalmesh.hit", hit);
        return result;
      } catch (error) {
        this.#failed(span, error);
        throw error;
      } finally {
        span.setAttribute("causalmesh.node", session.node);
        span.end();
      }
    });
  }

  #keyAttributes(keysAt: "key" | "keys" | "entries", given: unknown): Attributes {
    if (keysAt === "key") return this.#showsKeys ? { "causalmesh.key": String(given) } : {};
    if (!Array.isArray(given)) return {};
    const keys = given.map((one: unknown) => String(keysAt === "keys" ? one : (one as readonly unknown[])[0]));
    return { "db.operation.batch.size": keys.length, ...(this.#showsKeys ? { "causalmesh.keys": keys.slice(0, KEYS_SHOWN_MAX) } : {}) };
  }

  /** The message may name a key. */
  #failed(span: Span, error: unknown): void {
    const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
    span.setAttribute("error.type", String(code ?? name ?? "unknown"));
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, ...(this.#showsKeys ? { message: String(message) } : {}) });
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as { [Symbol.iterator]?: unknown } | null | undefined)?.[Symbol.iterator] === "function";
}

/** Whether a read of one key found something, where that can be told. */
function hitOf(name: string, result: unknown): boolean | undefined {
  if (name === "get") return result !== undefined;
  if (name === "has") return result as boolean;
  return name === "getEntry" ? (result as { hit: boolean }).hit : undefined;
}
