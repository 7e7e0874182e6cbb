// The mesh's status as a table for people.

import type { MemberStatus } from "@causalmesh/core";
import type { Printer } from "./printer.js";
import { formatBytes, formatTable, type Align } from "./table.js";

/** A member of the view, with what it knows; without, where it does not answer. */
export type MemberLine = MemberStatus | UnreachableMember;

export interface UnreachableMember {
  readonly replica: number;
  readonly address: string;
  readonly unreachable: true;
}

export interface ClusterStatus {
  readonly epoch: number;
  readonly members: readonly MemberLine[];
}

const HEAD = ["replica", "address", "received", "common", "applied", "flushed", "pending", "log", "cache", "hits"];
const ALIGNS: readonly Align[] = ["right", "left", "left", "left", "left", "left", "right", "right", "right", "right"];

export function formatStatus({ epoch, members }: ClusterStatus, printer: Printer): string {
  const answering = members.filter((member) => !isUnreachable(member)).length;
  const title = `epoch ${epoch}, ${answering} of ${members.length} ${members.length === 1 ? "member answers" : "members answer"}`;
  const rows = [HEAD.map((name) => printer.style("dim", name)), ...members.map((member) => memberRow(member, printer))];
  return `${printer.style("bold", title)}\n\n${formatTable(rows, ALIGNS)}`;
}

export function isUnreachable(member: MemberLine): member is UnreachableMember {
  return "unreachable" in member && member.unreachable;
}

function memberRow(member: MemberLine, printer: Printer): string[] {
  if (isUnreachable(member)) return [String(member.replica), member.address, printer.style("red", "unreachable")];
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
