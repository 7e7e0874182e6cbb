// Certificates: what the user gives for TLS, as a context for the connections that begin now. They are replaced while a program runs; connections
// that are open keep those that they began with.

import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { MeshError } from "@causalmesh/core";
import { RereadFiles, type RereadListener } from "./reread.js";

/**
 * TLS for a mesh: `cert`, `key`, `ca` and whatever else `tls.createSecureContext` takes. Nodes need a certificate, and show it to each other in
 * both directions; clients need one where nodes ask for it. Without `ca` the authorities of the platform are trusted.
 */
export interface TlsOptions extends SecureContextOptions {
  /** Of a node: takes nobody, be it a node or a client, who has no certificate of `ca`. Default false: then a secret says who may come in. */
  readonly requestCert?: boolean;
  /** The name that certificates of nodes have to be for; default: the host in the address. */
  readonly servername?: string;
}

/** Options, or what returns those of now; it is asked at each connection. */
export type TlsSource = TlsOptions | (() => TlsOptions);

/** Files with PEM. */
export interface TlsPaths {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

/**
 * Certificates in files, for the option `tls` of clients and nodes. They are read again while they are used, at most once a second; where they are
 * wrong, or do not fit together, those of before stay and `told` is. Throws OPTION_INVALID where they are wrong now.
 */
export function tlsFiles(paths: TlsPaths, options: Omit<TlsOptions, keyof TlsPaths> = {}, told?: RereadListener): () => TlsOptions {
  const given = (["cert", "key", "ca"] as const).filter((name) => paths[name] !== undefined);
  const make = (texts: readonly string[]): TlsOptions => {
    const made: TlsOptions = { ...options, ...Object.fromEntries(given.map((name, index) => [name, texts[index]])) };
    contextOf(made);
    return made;
  };
  const files = new RereadFiles(
    given.map((name) => paths[name]!),
    make,
    told,
  );
  return () => files.current;
}

export interface TlsNow {
  readonly options: TlsOptions;
  readonly context: SecureContext;
}

/** The certificates of now. A source that fails, or returns what does not fit together, changes nothing. */
export class Certificates {
  readonly #source: TlsSource;
  #now: TlsNow;

  /** Throws OPTION_INVALID. */
  constructor(source: TlsSource) {
    this.#source = source;
    const options = typeof source === "function" ? source() : source;
    this.#now = { options, context: contextOf(options) };
  }

  /** The same object until they change. Never throws. */
  get current(): TlsNow {
    if (typeof this.#source !== "function") return this.#now;
    try {
      const options = this.#source();
      if (options !== this.#now.options) this.#now = { options, context: contextOf(options) };
    } catch {
      // Whoever wrote the function knows why it fails; tlsFiles tells.
    }
    return this.#now;
  }
}

function contextOf(options: TlsOptions): SecureContext {
  if (typeof options !== "object" || options === null) throw new MeshError("OPTION_INVALID", "tls is no object; give { cert, key, ca } as PEM, or tlsFiles()");
  if (options.requestCert === true && options.ca === undefined) {
    const why = "else whoever has a certificate of any public authority could come in";
    throw new MeshError("OPTION_INVALID", `tls: requestCert needs ca, the authority whose certificates are taken; ${why}`);
  }
  if ((options.cert === undefined) !== (options.key === undefined)) throw new MeshError("OPTION_INVALID", "tls: cert and key belong together; give both");
  try {
    return createSecureContext(options);
  } catch (error) {
    const advice = "give a key and the certificate that belongs to it, as PEM";
    throw new MeshError("OPTION_INVALID", `tls cannot be used: ${(error as Error).message}; ${advice}`, { cause: error });
  }
}
