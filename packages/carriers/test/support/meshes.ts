// Meshes for these tests, which end with the test, and what a token has to cover.

import { createMesh, inspectToken, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { expect, onTestFinished } from "vitest";

export async function openMesh(): Promise<Mesh> {
  const mesh = await createMesh({ nodes: 3, store: memoryStore(), secret: "the secret of this test's mesh" });
  onTestFinished(() => mesh.close());
  return mesh;
}

/** A write of the ambient session, and its name: it is in no token yet. */
export async function write(mesh: Mesh, key: string, value: unknown = key): Promise<string> {
  await mesh.set(key, value, { durability: "memory" });
  return (await mesh.getEntry(key)).version!;
}

/** Whether whoever goes on from the token sees the write: it is in the session's past, or travels in the token. */
export function expectCovered(token: string | null | undefined, version: string): void {
  const [replica, counter] = version.split(":");
  const { visible, own } = inspectToken(token!);
  const isCovered = (visible[replica] ?? 0) >= Number(counter) || own.some(({ write: name }) => name === version);
  expect(isCovered, `the token covers ${version}: ${JSON.stringify({ visible, own })}`).toBe(true);
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "none",
    (error: { code?: string }) => error.code ?? String(error),
  );
}
