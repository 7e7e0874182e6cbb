// What drives a server in a bench: one client program per protocol and library, all with this interface.

export type Operation = "get" | "set";

export interface Driver {
  /** Sets keys 0 to `entries` - 1, `depth` at a time. */
  fill(entries: number): Promise<void>;
  /** Keeps `depth` operations in flight per connection for `durationMs` and returns how many were done. */
  run(operation: Operation, depth: number, durationMs: number): Promise<number>;
}
