// The HTTP front of a node: serves the mesh over HTTP beside the node, with API keys from a file that is read again when it changes.

import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { MeshError, type SecretSource } from "@causalmesh/core";
import type { ApiKey } from "@causalmesh/transport-http";
import { serveHttp } from "@causalmesh/transport-http/node";
import { connect } from "@causalmesh/transport-tcp";
import type { HttpSetting } from "./exposure.js";
import type { Logger } from "./log.js";

export interface HttpFrontOptions extends HttpSetting {
  /** The address of the node beside which it stands. */
  readonly node: string;
  readonly secret: SecretSource | undefined;
  readonly insecure: boolean;
  readonly log: Logger;
}

export interface HttpFront {
  readonly url: string;
  /** Reads the API keys now. What is wrong with them is logged, and those of before stay. */
  reloadApiKeys(): Promise<void>;
  /** Answers what is under way, and closes. */
  close(): Promise<void>;
}

/** How often the file is looked at. Looking, instead of being told, works for files that are replaced and for mounted secrets. */
const LOOK_MS = 1_000;

export async function startHttpFront({ address, keysFile, node, secret, insecure, log }: HttpFrontOptions): Promise<HttpFront> {
  const mesh = await connect({ nodes: [node], secret });
  const onError = (error: unknown): void => log.error({ err: error }, "the HTTP front failed to answer");
  const apiKeys = keysFile === undefined ? undefined : () => readKeys(keysFile);
  const { host, port } = address;
  const server = await serveHttp(mesh, { host, port, node, apiKeys, allowUnauthenticated: insecure, onError }).catch(async (error: unknown) => {
    await mesh.close();
    throw error;
  });
  const reloadApiKeys = async (): Promise<void> => {
    if (keysFile === undefined) return;
    try {
      await server.reloadApiKeys();
      log.info({ file: keysFile }, "the API keys were read again");
    } catch (error) {
      log.error({ err: error }, "the API keys stay as they were");
    }
  };
  const changed = (): void => void reloadApiKeys();
  if (keysFile !== undefined) watchFile(keysFile, { interval: LOOK_MS, persistent: false }, changed);
  return {
    url: server.url,
    reloadApiKeys,
    close: async () => {
      if (keysFile !== undefined) unwatchFile(keysFile, changed);
      await server.close();
      await mesh.close();
    },
  };
}

async function readKeys(path: string): Promise<readonly ApiKey[]> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as readonly ApiKey[];
  } catch (error) {
    throw new MeshError("OPTION_INVALID", `the API keys of --http-keys ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
