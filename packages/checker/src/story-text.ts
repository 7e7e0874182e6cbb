// A story as text for a terminal.

import type { Story } from "./story.js";

/** Several lines, without one at the end. */
export function storyText({ anomaly, meaning, breaks, scenes, reasons }: Story): string {
  const widths = [Math.max(...scenes.map(({ name }) => name.length)), Math.max(...scenes.map(({ session, node }) => place(session, node).length))];
  const rows = scenes.map(({ name, session, node, operations, status }) => {
    const done = operations.map(({ text, from }) => (from === undefined ? text : `${text} from ${from}`)).join(", ");
    const note = status === undefined ? "" : `   (${status})`;
    return `  ${name.padEnd(widths[0])}  ${place(session, node).padEnd(widths[1])}  ${done}${note}`;
  });
  return [`${anomaly}: ${meaning}`, `breaks: ${breaks.join(", ")}`, "", ...rows, "", ...reasons.map((reason) => `  ${reason}`)].join("\n");
}

function place(session: string, node: string | undefined): string {
  return node === undefined || node === "" ? session : `${session} at ${node}`;
}
