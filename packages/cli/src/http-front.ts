// The HTTP front of a node: serves the mesh over HTTP beside the node, with API keys and certificates from files that are read again when they change.

import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { MeshError, type SecretSource } from "@causalmesh/core";
import type { ApiKey } from "@causalmesh/transport-http";
import { serveHttp } from "@causalmesh/transport-http/node";
import { connect, tlsFiles, type TlsSource } from "@causalmesh/transport-tcp";
import type { HttpSetting } from "./exposure.js";
import { isLoopback } from "./address.js";
import type { Logger } from "./log.js";
import { tell } from "./reread.js";

export interface HttpFrontOptions extends HttpSetting {
  /** The address of the node beside which it stands. */
  readonly node: string;
  readonly secret: SecretSource | undefined;
  /** How to speak to the nodes. */
  readonly meshTls: TlsSource | undefined;
  readonly insecure: boolean;
  readonly log: Logger;
}

export interface HttpFront {
  readonly url: string;
  /** Reads the API keys now. What is wrong with them is logged, and those of before stay. */
  reloadApiKeys(): Promise<void>;
  /** Looks at the certificates. */
  lookAtTls(): void;
  /** Answers what is under way, and closes. */
  close(): Promise<void>;
}

/** How often the file is looked at. Looking, instead of being told, works for files that are replaced and for mounted secrets. */
const LOOK_MS = 1_000;

export async function startHttpFront({ address, keysFile, tls: files, node, secret, meshTls, insecure, log }: HttpFrontOptions): Promise<HttpFront> {
  const tls = files === undefined ? undefined : tlsFiles(files, {}, tell(log, "certificates of HTTPS"));
  const mesh = await connect({ nodes: [node], secret, tls: meshTls });
  const onError = (error: unknown): void => log.error({ err: error }, "the HTTP front failed to answer");
  const apiKeys = keysFile === undefined ? undefined : () => readKeys(keysFile);
  const { host, port } = address;
  const server = await serveHttp(mesh, { host, port, tls: tls?.(), node, apiKeys, allowUnauthenticated: insecure, onError }).catch(async (error: unknown) => {
    await mesh.close();
    throw error;
  });
  if (tls === undefined && keysFile !== undefined && !isLoopback(host))
    log.warn("the HTTP front speaks no TLS: API keys can be read on the way to it; give --http-tls-cert and --http-tls-key, or put what speaks TLS before it");
  let shown = tls?.();
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
    lookAtTls: () => {
      if (tls === undefined || tls() === shown) return;
      shown = tls();
      server.reloadTls(shown);
    },
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
