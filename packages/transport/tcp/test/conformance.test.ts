// The TCP transport against the whole Transport contract, over real sockets, with TLS and without.

import { transportSuite } from "@causalmesh/conformance";
import { certificate } from "@causalmesh/test-servers";
import { describe, it } from "vitest";
import { tcpTransport } from "../src/index.js";
import { silentAddress } from "./support/silent-address.js";

const ca = await certificate();
const own = await certificate({ ca });
const transports = {
  "tcpTransport()": tcpTransport(),
  "tcpTransport({ tls })": tcpTransport({ tls: { ...own, ca: ca.cert, requestCert: true } }),
};

const setup = {
  freeAddress: () => "127.0.0.1:0",
  invalidAddresses: [
    "",
    "127.0.0.1",
    "127.0.0.1:",
    ":7400",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:1.5",
    "127.0.0.1:7400/path",
    "http://127.0.0.1:7400",
    "user@host:1",
    "a b:1",
    "::1:7400",
  ],
  silentAddress,
};

for (const [title, transport] of Object.entries(transports)) {
  describe(title, () => {
    for (const { name, skipped, run } of transportSuite({ ...setup, transport })) {
      if (skipped === undefined) it(name, run);
      else console.log(`skipped: ${name}: ${skipped}`);
    }
  });
}
