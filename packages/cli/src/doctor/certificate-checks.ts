// What `doctor` asks of certificates: is this program's own valid, of the authority that it trusts, and do it and those of the nodes last for a while.
// Whether a node's is trusted at all, the check of the node has said already.

import { X509Certificate } from "node:crypto";
import { connect, createSecureContext } from "node:tls";
import type { TlsOptions } from "@causalmesh/transport-tcp";
import { parseHostPort } from "../address.js";
import type { Settings } from "../settings.js";
import { openTls } from "../tls.js";
import { failed, ok, type Check } from "./check.js";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Time to replace a certificate in, weekend included. */
const DAYS_LEFT_MIN = 7;
const ADVICE = "replace the certificate and its key: nodes read the files again while they run";

/** This program's certificate, and that of each node that answers; nothing where there is no TLS. */
export async function checkCertificates({ tls, timeoutMs }: Pick<Settings, "tls" | "timeoutMs">, answering: readonly string[]): Promise<Check[]> {
  const options = openTls(tls)?.();
  if (options === undefined) return [];
  const own = options.cert === undefined ? [] : [checkOwn(options)];
  const shown = await Promise.all(answering.map(async (address) => checkShown(address, await shownAt(address, options, timeoutMs))));
  return [...own, ...shown.filter((check) => check !== undefined)];
}

function checkOwn({ cert, ca }: TlsOptions): Check {
  const check = "certificate";
  const own = new X509Certificate(cert as string);
  // Between it and the authority there may be others, which stand behind it in its file.
  const issuers = [...certificatesIn((ca ?? "") as string), ...certificatesIn(cert as string).slice(1)];
  const isTrusted = ca === undefined || issuers.some((issuer) => own.verify(issuer.publicKey));
  if (!isTrusted) return failed(check, "it is of none of the authorities of --tls-ca", "give a certificate that one of them has signed, or add its authority");
  return checkLife(check, own.validFrom, own.validTo);
}

/** A file has certificates one after the other. */
function certificatesIn(pem: string): X509Certificate[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(([text]) => new X509Certificate(text));
}

interface Life {
  readonly from: string;
  readonly to: string;
}

function checkShown(address: string, life: Life | undefined): Check | undefined {
  return life === undefined ? undefined : checkLife(`certificate of ${address}`, life.from, life.to);
}

/** Undefined where it is not shown: the check of the node says why. */
function shownAt(address: string, options: TlsOptions, timeoutMs: number): Promise<Life | undefined> {
  return new Promise((resolve) => {
    const named = options.servername === undefined ? {} : { servername: options.servername };
    const socket = connect({ ...parseHostPort(address, "the node"), ...named, secureContext: createSecureContext(options) }, () => {
      const { valid_from: from, valid_to: to } = socket.getPeerCertificate();
      socket.destroy();
      resolve({ from, to });
    });
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.on("error", () => undefined).on("close", () => resolve(undefined));
  });
}

function checkLife(check: string, from: string, to: string): Check {
  const daysLeft = (Date.parse(to) - Date.now()) / DAY_MS;
  if (daysLeft <= 0) return failed(check, `it expired on ${to}`, ADVICE);
  if (Date.parse(from) > Date.now()) return failed(check, `it is valid from ${from} only`, "look at this machine's clock, or use an earlier certificate");
  if (daysLeft < DAYS_LEFT_MIN) return failed(check, `it expires on ${to}, in less than ${DAYS_LEFT_MIN} days`, ADVICE);
  return ok(check, `valid for ${Math.floor(daysLeft)} days, until ${to}`);
}
