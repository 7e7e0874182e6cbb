// Reads a history out of a stream of text or bytes: a file, standard input, a list of strings.

import { MeshError } from "@causalmesh/core";
import { HistoryBuilder, type History } from "./history.js";

/** A line that is longer is no line of a history: without a bound, a file without line ends would be taken into memory whole. */
export const LINE_CHARACTERS_MAX = 16 * 1024 * 1024;

/** Reads all lines. Throws `VALUE_INVALID`, with the number of the line, where one is wrong. */
export async function readHistory(chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): Promise<History> {
  const builder = new HistoryBuilder();
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + (typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }))).split("\n");
    rest = lines.pop()!;
    if (rest.length > LINE_CHARACTERS_MAX) throw new MeshError("VALUE_INVALID", `a line of the history has more than ${LINE_CHARACTERS_MAX} characters`);
    for (const line of lines) builder.addText(line);
  }
  builder.addText(rest + decoder.decode());
  return builder.build();
}
