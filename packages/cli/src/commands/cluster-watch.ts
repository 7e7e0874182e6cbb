// `causalmesh cluster status --watch`: the mesh at a glance, every second, until q or Ctrl-C. In a window it draws one picture over the other; elsewhere it
// prints a line each time, or with --json an object.

import { setTimeout as sleep } from "node:timers/promises";
import type { Mesh } from "@causalmesh/core";
import { withUnreachable } from "../cluster-table.js";
import type { CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { describeError } from "../printer.js";
import { frame, summary, type Picture } from "../watch/frame.js";
import { operations, RateMeter, sum } from "../watch/rates.js";
import { canDraw, Screen } from "../watch/screen.js";

const INTERVAL_MS = 1_000;
/** A member that takes longer counts as one that does not answer: the others are to be seen meanwhile. */
const ANSWER_MS = 900;
/** Looks that are remembered for the line of what has been. */
const HISTORY_MAX = 120;

/** A mesh that does not answer for a while is what one watches for, so it ends with the user alone. */
export async function watchStatus(mesh: Mesh, context: CommandContext, signal: AbortSignal): Promise<number> {
  const { printer, terminal } = context;
  const watched = new Watched(mesh, signal);
  if (printer.json || !canDraw(terminal)) return await print(watched, context, signal);
  const ended = new AbortController();
  const screen = new Screen(terminal, {
    key: (key) => {
      if (key === "q" || key === "Q") ended.abort();
    },
    // In this mode the terminal sends a key and no signal.
    interrupted: () => process.kill(process.pid, "SIGINT"),
    resized: () => draw(),
  });
  const draw = (): void => screen.draw(pictureLines(watched, screen.columns, context));
  try {
    while (!ended.signal.aborted) {
      const next = sleep(INTERVAL_MS, undefined, { signal: AbortSignal.any([signal, ended.signal]) });
      next.catch(() => undefined);
      await watched.look();
      draw();
      await next.catch(() => signal.throwIfAborted());
    }
    return EXIT.ok;
  } finally {
    screen.close();
  }
}

function pictureLines({ picture, problem }: Watched, columns: number, { printer }: CommandContext): string[] {
  const lines =
    picture === undefined ? [problem === undefined ? " …" : printer.style("red", ` no answer: ${problem}`)] : frame({ ...picture, problem }, columns, printer);
  return [...lines, "", printer.style("dim", " q ends it")];
}

async function print(watched: Watched, { printer }: CommandContext, signal: AbortSignal): Promise<never> {
  for (;;) {
    const next = sleep(INTERVAL_MS, undefined, { signal });
    next.catch(() => undefined);
    await watched.look();
    const { picture, error } = watched;
    if (error !== undefined) printer.error(error);
    else if (picture !== undefined) printer.result({ ...picture.status, rates: Object.fromEntries(picture.rates) }, () => summary(picture));
    await next;
  }
}

/** What was seen last, and what stands in the way of more. */
class Watched {
  picture: Picture | undefined;
  error: unknown;
  readonly #mesh: Mesh;
  readonly #signal: AbortSignal;
  readonly #meter = new RateMeter();
  readonly #history: number[] = [];

  constructor(mesh: Mesh, signal: AbortSignal) {
    this.#mesh = mesh;
    this.#signal = signal;
  }

  get problem(): string | undefined {
    return this.error === undefined ? undefined : describeError(this.error).message;
  }

  async look(): Promise<void> {
    try {
      const status = withUnreachable(await this.#mesh.status({ signal: this.#signal, timeoutMs: ANSWER_MS }));
      const rates = this.#meter.look(status, performance.now());
      if (rates.size > 0) this.#history.push(operations(sum(rates.values())));
      if (this.#history.length > HISTORY_MAX) this.#history.shift();
      this.picture = { status, rates, history: this.#history, time: new Date().toTimeString().slice(0, 8) };
      this.error = undefined;
    } catch (error) {
      this.#signal.throwIfAborted();
      this.error = error;
    }
  }
}
