// `causalmesh monitor`: takes what programs have observed of their sessions, judges it as it comes, and says what was broken. Asks no node.

import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MeshError } from "@causalmesh/core";
import { Monitor, WINDOW_OPERATIONS_DEFAULT, type Finding } from "@causalmesh/monitor";
import { parseHostPort, isLoopback } from "../address.js";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { INSECURE_FLAG } from "../exposure.js";
import { processNumbers } from "../metrics.js";
import { Evidence } from "../monitor/evidence.js";
import { FollowedFile, Lines, monitorApp } from "../monitor/intake.js";
import { formatMonitorMetrics } from "../monitor/monitor-metrics.js";
import { parseTime, parseWhole } from "../numbers.js";
import { describeError } from "../printer.js";
import type { GlobalFlags } from "../settings.js";
import { serveApp } from "../small-server.js";
import { watchStop, type StopReason } from "../stop-signal.js";
import type { Terminal } from "../terminal.js";
import { count } from "../words.js";

export interface MonitorFlags extends GlobalFlags {
  readonly listen?: string;
  readonly evidence?: string;
  readonly window?: string;
  readonly every?: string;
  readonly nothingVanishes?: boolean;
  readonly insecureNoAuthentication?: boolean;
}

const LISTEN_DEFAULT = "127.0.0.1:7490";
const EVIDENCE_DEFAULT = "./causalmesh-evidence";
const EVERY_MS_DEFAULT = 10_000;
const WINDOW_MIN = 100;
const WINDOW_MAX = 10_000_000;
const STDIN = "-";
const NEVER = new Promise<never>(() => undefined);

export async function monitor(files: readonly string[], flags: MonitorFlags, terminal: Terminal): Promise<number> {
  const watch = watchStop(false);
  try {
    return await run(new Intake(flags, await createContext(flags, terminal)), files, flags, watch.stopped);
  } finally {
    watch.end();
  }
}

async function run(intake: Intake, files: readonly string[], flags: MonitorFlags, stopped: Promise<StopReason>): Promise<number> {
  const everyMs = parseTime(flags.every ?? String(EVERY_MS_DEFAULT), "--every");
  const { terminal, printer } = intake.context;
  const take = (line: string): void => intake.take(line);
  // What comes out of a pipe alone ends with it.
  const isPipe = files.length === 1 && files[0] === STDIN && flags.listen === undefined;
  const server = isPipe
    ? undefined
    : await serveApp(
        monitorApp(take, () => intake.metrics()),
        addressOf(flags),
        { name: "address", flag: "--listen" },
      );
  const followed: FollowedFile[] = [];
  const timer = setInterval(() => intake.judge(), everyMs);
  try {
    for (const file of files) if (file !== STDIN) followed.push(new FollowedFile(resolve(terminal.cwd, file), take));
    if (server !== undefined)
      printer.result(
        { ready: true, monitor: server.url },
        () => `The monitor is ready: POST lines to ${server.url}/lines, metrics at ${server.url}/metrics. Ctrl-C ends it.`,
      );
    const end = files.includes(STDIN) ? read(terminal, take) : NEVER;
    const reason = await Promise.race([stopped, isPipe ? end : end.then(() => NEVER)]);
    return intake.end(reason, followed);
  } finally {
    clearInterval(timer);
    for (const file of followed) file.close();
    await server?.close();
  }
}

function addressOf({ listen = LISTEN_DEFAULT, insecureNoAuthentication }: MonitorFlags) {
  const address = parseHostPort(listen, "--listen");
  if (insecureNoAuthentication === true || isLoopback(address.host)) return address;
  throw new MeshError(
    "OPTION_INVALID",
    `${listen} can be reached from other machines, and a monitor asks nobody who they are: listen at 127.0.0.1, or give ${INSECURE_FLAG}`,
  );
}

async function read({ stdin }: Terminal, take: (line: string) => void): Promise<undefined> {
  const lines = new Lines(take);
  for await (const piece of stdin as AsyncIterable<Uint8Array | string>) {
    lines.push(piece);
    // Signals and requests are heard between two pieces.
    await sleep(0);
  }
  lines.end();
  return undefined;
}

/** The lines of all programs, the monitor, and what is said of it. */
class Intake {
  readonly context: CommandContext;
  readonly #monitor: Monitor;
  readonly #evidence: Evidence;
  #refused = 0;

  constructor(flags: MonitorFlags, context: CommandContext) {
    this.context = context;
    const windowOperations = flags.window === undefined ? WINDOW_OPERATIONS_DEFAULT : parseWhole(flags.window, "--window", WINDOW_MIN, WINDOW_MAX);
    this.#monitor = new Monitor({ windowOperations, nothingVanishes: flags.nothingVanishes, onFinding: (finding) => this.#found(finding) });
    this.#evidence = new Evidence(resolve(context.terminal.cwd, flags.evidence ?? EVIDENCE_DEFAULT));
  }

  /** A line that is none is counted; it is no reason to stop watching. */
  take(text: string): void {
    if (text.trim() === "") return;
    try {
      this.#monitor.add(JSON.parse(text));
    } catch (error) {
      if (!(error instanceof SyntaxError) && (error as MeshError).code !== "VALUE_INVALID") throw error;
      this.#refused += 1;
      if (this.#refused === 1) this.context.printer.note(`a line is none of a history, as further ones may be: ${describeError(error).message}`);
    }
  }

  judge(): void {
    this.#monitor.judge();
  }

  metrics(): string {
    return formatMonitorMetrics({ ...this.#monitor.numbers, refusedLines: this.#refused }, processNumbers());
  }

  #found(finding: Finding): void {
    const { anomaly, breaks, meaning } = finding.story;
    const { printer } = this.context;
    const evidence = this.#keep(finding);
    const where = evidence === undefined ? "" : ` Evidence: ${evidence}`;
    printer.result({ violation: anomaly, breaks, evidence }, () => `${printer.style("red", anomaly)}: ${meaning}${where}`);
  }

  /** Whoever watches goes on watching when the disk is full. */
  #keep(finding: Finding): string | undefined {
    try {
      return this.#evidence.keep(finding);
    } catch (error) {
      this.context.printer.error(error);
      return undefined;
    }
  }

  /** Judges what is left, says what there was, and with which code the program ends. */
  end(reason: StopReason | undefined, followed: readonly FollowedFile[]): number {
    for (const file of followed) file.look();
    this.judge();
    const { violations, judged, dropped } = this.#monitor.numbers;
    const found = Object.values(violations).reduce((sum, number) => sum + number, 0);
    const refused = this.#refused;
    this.context.printer.result({ judged, dropped, refusedLines: refused, violations }, () => {
      const beside = [dropped > 0 ? `${count(dropped, "operation")} dropped` : "", refused > 0 ? `${count(refused, "line")} refused` : ""].filter(
        (part) => part !== "",
      );
      return [`${count(judged, "operation")} judged`, count(found, "violation"), ...beside].join(", ");
    });
    if (found > 0) return EXIT.failed;
    return reason === "SIGINT" ? EXIT.interrupted : EXIT.ok;
  }
}
