// The mesh's status as a table for people.

import type { MemberStatus, MeshStatus } from "@causalmesh/core";
import type { Printer } from "./printer.js";
import { formatBytes, formatTable, type Align } from "./table.js";

/** A status that says who did not answer. */
export interface ClusterStatus extends MeshStatus {
  /** Addresses. */
  readonly unreachable: readonly string[];
}

/** A client of an older core does not say who did not answer. This is the one place that knows. */
export function withUnreachable(status: MeshStatus): ClusterStatus {
  return { ...status, unreachable: (status as Partial<ClusterStatus>).unreachable ?? [] };
}

const HEAD = ["replica", "address", "received", "common", "applied", "flushed", "pending", "log", "cache", "hits"];
const ALIGNS: readonly Align[] = ["right", "left", "left", "left", "left", "left", "right", "right", "right", "right"];

export function formatStatus({ epoch, members, unreachable }: ClusterStatus, printer: Printer): string {
  const all = members.length + unreachable.length;
  const title = `epoch ${epoch}, ${members.length} of ${all} ${all === 1 ? "member answers" : "members answer"}`;
  const rows = [
    HEAD.map((name) => printer.style("dim", name)),
    ...members.map(memberRow),
    // Who does not answer does not say its replica id either.
    ...unreachable.map((address) => ["-", address, printer.style("red", "unreachable")]),
  ];
  return `${printer.style("bold", title)}\n\n${formatTable(rows, ALIGNS)}`;
}

function memberRow(member: MemberStatus): string[] {
  return [
    String(member.replica),
    member.address,
    formatVector(member.received),
    formatVector(member.common),
    formatVector(member.applied),
    formatVector(member.flushed),
    String(member.pending),
    `${member.log} (${formatBytes(member.logBytes)})`,
    `${member.cacheEntries} (${formatBytes(member.cacheBytes)})`,
    formatRatio(member.hits, member.reads),
  ];
}

/** `1:523 2:100`; a dash for the empty vector. */
export function formatVector(vector: Readonly<Record<string, number>>): string {
  const entries = Object.entries(vector).map(([replica, counter]) => `${replica}:${counter}`);
  return entries.length === 0 ? "-" : entries.join(" ");
}

function formatRatio(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)}%`;
}
