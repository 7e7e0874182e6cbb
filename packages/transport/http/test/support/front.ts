// HTTP fronts for tests, which end with the test.

import { createMesh, type EmbeddedMeshOptions, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { onTestFinished } from "vitest";
import type { ApiKey } from "../../src/index.js";
import { serveHttp, type HttpServer, type ServeHttpOptions } from "../../src/node.js";
import { SESSION_HEADER } from "../../src/headers.js";

export const secret = "the secret of this test's mesh";

export const KEYS = {
  reader: "a-key-that-may-read-in-blue",
  writer: "a-key-that-may-write-in-blue",
  red: "a-key-of-the-tenant-called-red",
  admin: "a-key-that-may-do-all-there-is",
} as const;

export const apiKeys: readonly ApiKey[] = [
  { name: "reader", key: KEYS.reader, role: "read", namespaces: ["blue"] },
  { name: "writer", key: KEYS.writer, role: "write", namespaces: ["blue"] },
  { name: "red", key: KEYS.red, role: "write", namespaces: ["red"] },
  { name: "admin", key: KEYS.admin, role: "admin", namespaces: "*" },
];

export async function embedded(options: Partial<EmbeddedMeshOptions> = {}): Promise<Mesh> {
  const mesh = await createMesh({ store: memoryStore(), secret, ...options });
  onTestFinished(() => mesh.close());
  return mesh;
}

export async function served(mesh: Mesh, options: ServeHttpOptions = {}): Promise<HttpServer> {
  const server = await serveHttp(mesh, { onError: () => undefined, ...options });
  onTestFinished(() => server.close());
  return server;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly session: string | undefined;
  /** The code of a problem. */
  readonly code: string | undefined;
}

export interface Ask {
  readonly method?: string;
  readonly key?: string;
  readonly session?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
}

/** One request, and what there is to see of its answer. */
export async function ask(url: string, { method = "GET", key, session, headers = {}, json, body }: Ask = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(session === undefined ? {} : { [SESSION_HEADER]: session }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(body === undefined ? {} : { body: body as string }),
  });
  const text = await response.text();
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  const code = isProblem && text !== "" ? (JSON.parse(text) as { code: string }).code : undefined;
  return { status: response.status, headers: response.headers, text, session: response.headers.get(SESSION_HEADER) ?? undefined, code };
}
