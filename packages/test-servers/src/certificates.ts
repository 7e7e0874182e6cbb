// Certificates for tests, each made anew: of an authority or self-signed, for the addresses of this machine, valid for so many days.

import { randomUUID } from "node:crypto";
import { generate } from "selfsigned";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A key and its certificate, as PEM. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateOptions {
  /** Days from now: since when, and until when. Default from yesterday to tomorrow. */
  readonly fromDays?: number;
  readonly toDays?: number;
  /** Who signs it; default: itself, as an authority. */
  readonly ca?: KeyPair;
  /** What it is for besides localhost and 127.0.0.1, or instead of them. */
  readonly name?: string;
}

export async function certificate({ fromDays = -1, toDays = 1, ca, name }: CertificateOptions = {}): Promise<KeyPair> {
  const dates = { notBeforeDate: new Date(Date.now() + fromDays * DAY_MS), notAfterDate: new Date(Date.now() + toDays * DAY_MS) };
  const local = [
    { type: 2, value: "localhost" },
    { type: 7, ip: "127.0.0.1" },
  ];
  const extensions = [
    { name: "basicConstraints", cA: ca === undefined, critical: true },
    { name: "subjectAltName", altNames: name === undefined ? local : [{ type: 2, value: name }] },
  ];
  const options = { ...dates, keySize: 2048, algorithm: "sha256", extensions, ...(ca === undefined ? {} : { ca }) };
  // One that had the name of its authority would be taken for self-signed.
  const made = await generate([{ name: "commonName", value: `${name ?? "localhost"} ${randomUUID()}` }], options as never);
  return { key: made.private, cert: made.cert };
}
