// What a step of a simulated process does, as far as its cost depends on it, and what that costs.

/** What made the step happen: bytes of a client, bytes of another process of the deployment, or the process itself. */
export type Source = "client" | "peer" | "loop";

export interface Work {
  readonly source: Source;
  /** 1 where the event loop has gone round for it, and where the process had been idle before. */
  turns: number;
  wakes: number;
  /** Times that a socket was read and written. */
  reads: number;
  sends: number;
  /** Frames that came. */
  frames: number;
  /** Bytes that came and went. */
  bytes: number;
  /** Writes of the mesh that a node has received and made, and that it shows now. */
  received: number;
  applied: number;
  /** Microseconds of what is measured by itself. */
  other: number;
}

export function noWork(source: Source): Work {
  return { source, turns: 0, wakes: 0, reads: 0, sends: 0, frames: 0, bytes: 0, received: 0, applied: 0, other: 0 };
}

/** Microseconds that the operating system and the runtime take for sockets. */
export interface SocketCosts {
  readonly turn: number;
  /** What a turn takes on top after a pause: what the processor knew of the process is forgotten by then. */
  readonly wake: number;
  readonly read: number;
  readonly send: number;
  readonly byte: number;
}

/** What the code of one kind of process takes, in microseconds: for each step by what made it happen, and for each thing that is done in it. */
export const CODE_COSTS = ["client", "peer", "loop", "frame", "received", "applied"] as const;
export type CodeCosts = Readonly<Record<(typeof CODE_COSTS)[number], number>>;

/** How often a step has what each of the costs is for. */
export function countsOf({ source, frames, received, applied }: Work): number[] {
  return [Number(source === "client"), Number(source === "peer"), Number(source === "loop"), frames, received, applied];
}

export function costMs(work: Work, sockets: SocketCosts, code: CodeCosts): number {
  const { turn, wake, read, send, byte } = sockets;
  let micros = work.other + work.turns * turn + work.wakes * wake + work.reads * read + work.sends * send + work.bytes * byte;
  const counts = countsOf(work);
  for (let index = 0; index < counts.length; index++) micros += counts[index] * code[CODE_COSTS[index]];
  return micros / 1000;
}
