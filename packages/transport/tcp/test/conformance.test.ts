// The TCP transport against the whole Transport contract, over real sockets.

import { transportSuite } from "@causalmesh/conformance";
import { describe, it } from "vitest";
import { tcpTransport } from "../src/index.js";
import { silentAddress } from "./support/silent-address.js";

const setup = {
  transport: tcpTransport(),
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

describe("tcpTransport", () => {
  for (const { name, skipped, run } of transportSuite(setup)) {
    if (skipped === undefined) it(name, run);
    else console.log(`skipped: ${name}: ${skipped}`);
  }
});
