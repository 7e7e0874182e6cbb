// `causalmesh doctor`: asks the store and the nodes what an operator would ask, and says what to do. It changes nothing, unless --write asks for a probe.

import { MeshError } from "@causalmesh/core";
import { createContext } from "../command-context.js";
import { checkCertificates } from "../doctor/certificate-checks.js";
import type { Check } from "../doctor/check.js";
import { checkNodes, checkWrite } from "../doctor/node-checks.js";
import { checkPorts } from "../doctor/port-checks.js";
import { checkStore, type StoreFindings } from "../doctor/store-checks.js";
import { checkVersions } from "../doctor/version-check.js";
import { EXIT } from "../exit-codes.js";
import type { Printer, Style } from "../printer.js";
import { namedStore, type GlobalFlags, type Settings } from "../settings.js";
import type { StoreUrl } from "../store-url.js";
import { formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";

export interface DoctorFlags extends GlobalFlags {
  readonly store?: string;
  readonly write?: boolean;
}

const STYLES: Readonly<Record<Check["status"], Style>> = { ok: "green", failed: "red", skipped: "dim" };
/** What says that something cannot be reached, rather than that it is wrong. */
const UNREACHABLE: ReadonlySet<string | undefined> = new Set(["STORE_UNAVAILABLE", "NODE_UNREACHABLE", "TIMEOUT"]);

export async function doctor(flags: DoctorFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const { settings, printer } = context;
  if (settings.isHttp) throw new MeshError("OPTION_INVALID", "doctor asks the nodes themselves: give their mesh:// URLs");
  const { checks: storeChecks, view } = await lookAtStore(namedStore(flags.store, settings, terminal), settings);
  const isNamed = flags.url !== undefined || (terminal.env.CAUSALMESH_URL ?? "") !== "" || settings.config.values.url !== undefined;
  const addresses = isNamed || view === undefined ? settings.nodes : view.members.map(({ address }) => address);
  const { checks: nodeChecks, answering, members } = await checkNodes(addresses, view, settings);
  const others = [checkVersions(members), ...(await checkCertificates(settings, answering)), ...(await checkPorts(settings, answering))];
  const checks = [...storeChecks, ...nodeChecks, ...others, ...(flags.write === true ? [await checkWrite(answering, settings)] : [])];
  if (printer.json) for (const check of checks) printer.result(check, () => "");
  else printer.result(checks, () => format(checks, printer));
  return exitCodeFor(checks, nodeChecks);
}

async function lookAtStore(url: StoreUrl | undefined, { timeoutMs }: Settings): Promise<StoreFindings> {
  if (url !== undefined) return await checkStore(url, timeoutMs);
  return { checks: [{ check: "store", status: "skipped", detail: "none was named; give --store URL or CAUSALMESH_STORE" }], view: undefined };
}

function exitCodeFor(checks: readonly Check[], nodeChecks: readonly Check[]): number {
  const failures = checks.filter(({ status }) => status === "failed");
  if (failures.length === 0) return EXIT.ok;
  const isStoreAway = failures.some(({ check, code }) => check === "store" && UNREACHABLE.has(code));
  const isNobodyThere = nodeChecks.every(({ code }) => UNREACHABLE.has(code));
  return isStoreAway || isNobodyThere ? EXIT.unreachable : EXIT.failed;
}

function format(checks: readonly Check[], printer: Printer): string {
  const rows = checks.map(({ check, status, detail }) => [check, printer.style(STYLES[status], status), detail]);
  const head = ["check", "", "found"].map((name) => printer.style("dim", name));
  const advice = checks.flatMap(({ check, advice: text }) => (text === undefined ? [] : [`  ${check}: ${text}`]));
  const table = formatTable([head, ...rows], ["left", "left", "left"]);
  return advice.length === 0 ? table : `${table}\n\n${printer.style("bold", "What to do:")}\n${advice.join("\n")}`;
}
