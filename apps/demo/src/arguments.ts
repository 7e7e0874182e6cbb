// The command line of the demo.

import { parseArgs } from "node:util";

export const PORT_DEFAULT = 8080;

export const USAGE = `usage: npm run demo -- [options]

  --once             end after the run: exit 0 if CausalMesh had no anomaly and the plain caches had some
  --workflows N      workflows per system (default 5000)
  --port N           port of the page; 0: any (default ${PORT_DEFAULT}, or with --once any when that is in use)
  --store URL        a database for both systems, such as postgres://user@host/database or redis://host: each run
                     leaves its rows there, under a prefix of its own (default: LMDB in a temporary folder)
  --seed N           what is drawn at random: films, users, hosts, nodes (default: drawn and printed)
  --json             print the results as one JSON object
  --help             print this`;

export interface Arguments {
  readonly once: boolean;
  readonly workflows: number;
  /** Undefined where none was asked for. */
  readonly port: number | undefined;
  readonly store: string | undefined;
  readonly seed: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** Throws an Error that says what is wrong. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: "boolean", default: false },
      workflows: { type: "string", default: "5000" },
      port: { type: "string" },
      store: { type: "string" },
      seed: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    once: values.once,
    json: values.json,
    help: values.help,
    store: values.store,
    workflows: whole("workflows", values.workflows, 1, 1_000_000),
    port: values.port === undefined ? undefined : whole("port", values.port, 0, 65_535),
    seed: values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : whole("seed", values.seed, 0, 1_000_000_000),
  };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`--${name} is ${JSON.stringify(text)}; give a whole number from ${min} to ${max}`);
}
