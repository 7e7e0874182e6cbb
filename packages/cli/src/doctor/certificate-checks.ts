// What `doctor` asks of certificates: those in the files that are named here, and those that the nodes show. Do they hold, and for how long yet.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { connect, createSecureContext } from "node:tls";
import type { TlsOptions } from "@causalmesh/transport-tcp";
import { parseHostPort } from "../address.js";
import type { Settings } from "../settings.js";
import { openTls } from "../tls.js";
import { failed, ok, type Check } from "./check.js";

const HOUR_MS = 60 * 60 * 1_000;
/** The share of its life before which a certificate should have been renewed, whether that is a year or a day. */
const RENEWED_BEFORE = 0.1;
const RENEW = "renew it; programs that run take a new file by themselves";

/** Nothing where there is no TLS. `addresses` are those of nodes that answer. */
export async function checkCertificates({ tls, config, timeoutMs }: Settings, addresses: readonly string[], now: number = Date.now()): Promise<Check[]> {
  const { httpTlsCert, httpTlsKey } = config.values.node ?? {};
  const inFolder = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(config.folder, path));
  const files: Check[] = [
    ...checkFile("certificate", { path: tls?.paths.cert, keyPath: tls?.paths.key, authorityPath: tls?.paths.ca }, now),
    ...checkFile("certificate of the authority", { path: tls?.paths.ca }, now),
    ...checkFile("certificate of HTTP", { path: inFolder(httpTlsCert), keyPath: inFolder(httpTlsKey) }, now),
  ];
  if (tls === undefined) return files;
  // Nodes may ask for this program's own certificate; without it most show theirs all the same.
  const options = files.some(({ status }) => status === "failed") ? {} : openTls(tls)!();
  return [...files, ...(await Promise.all(addresses.map((address) => checkNode(address, options, timeoutMs, now))))];
}

interface CertificateFile {
  readonly path: string | undefined;
  readonly keyPath?: string;
  readonly authorityPath?: string;
}

function checkFile(check: string, { path, keyPath, authorityPath }: CertificateFile, now: number): Check[] {
  if (path === undefined) return [];
  try {
    // The first of a file is the one that is shown; the others lead to its authority.
    const [certificate, ...issuers] = certificatesIn(path);
    if (authorityPath !== undefined && !isOf(certificate, issuers, authorityPath))
      return [
        failed(check, `${path} is of none of the authorities in ${authorityPath}`, "give a certificate that one of them has signed, or add its authority"),
      ];
    if (keyPath !== undefined && !certificate.checkPrivateKey(createPrivateKey(readFileSync(keyPath))))
      return [failed(check, `${path} is not the certificate of the key ${keyPath}`, "give the two that belong together")];
    return [judge(check, path, certificate, now)];
  } catch (error) {
    return [failed(check, `${path} cannot be read: ${(error as Error).message}`, "give a certificate as PEM, and its key")];
  }
}

/** Whether it was signed by one of these, or of those in the file of the authority; that cannot be told where the file is not good. */
function isOf(certificate: X509Certificate, issuers: readonly X509Certificate[], authorityPath: string): boolean {
  try {
    return [...issuers, ...certificatesIn(authorityPath)].some((issuer) => certificate.verify(issuer.publicKey));
  } catch {
    return true;
  }
}

/** Throws where there is none. */
function certificatesIn(path: string): [X509Certificate, ...X509Certificate[]] {
  const [first, ...others] = readFileSync(path, "utf8").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (first === undefined) throw new Error("there is no certificate in it");
  return [new X509Certificate(first), ...others.map((pem) => new X509Certificate(pem))];
}

async function checkNode(address: string, options: TlsOptions, timeoutMs: number, now: number): Promise<Check> {
  const check = `certificate of ${address}`;
  try {
    return judge(check, "what it shows", await shownBy(address, options, timeoutMs), now);
  } catch (error) {
    return failed(check, `it shows none (${(error as Error).message})`, "look whether the node speaks TLS there");
  }
}

function judge(check: string, what: string, { validFrom, validTo }: X509Certificate, now: number): Check {
  const leftMs = Date.parse(validTo) - now;
  const left = leftMs < 48 * HOUR_MS ? `${Math.floor(leftMs / HOUR_MS)} hours` : `${Math.floor(leftMs / HOUR_MS / 24)} days`;
  if (Date.parse(validFrom) > now) return failed(check, `${what} holds from ${validFrom} on`, "set the clocks, or wait");
  if (leftMs <= 0) return failed(check, `${what} ended at ${validTo}`, RENEW);
  if (leftMs < RENEWED_BEFORE * (Date.parse(validTo) - Date.parse(validFrom))) return failed(check, `${what} ends at ${validTo}, in ${left}`, RENEW);
  return ok(check, `${what} holds for ${left}`);
}

/** Looks at it only, so it need not be good: whether it is, the node's own check says. */
function shownBy(address: string, options: TlsOptions, timeoutMs: number): Promise<X509Certificate> {
  return new Promise((done, reject) => {
    const { host, port } = parseHostPort(address, "NODE");
    const socket = connect({ host, port, secureContext: createSecureContext(options), rejectUnauthorized: false, timeout: timeoutMs }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error("no certificate"));
      else done(certificate);
    });
    socket.once("timeout", () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    socket.once("error", reject);
  });
}
