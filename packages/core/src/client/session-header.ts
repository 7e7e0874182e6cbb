// The header line in which sessions travel over HTTP, for whoever has to do with HTTP.

/** The session token, in and out. Several tokens, with commas or in several lines, are branches to be joined. */
export const SESSION_HEADER = "causalmesh-session";

/** The tokens of a header line; none where it is absent or empty. */
export function tokensInHeader(value: string | null | undefined): string[] {
  if (value === null || value === undefined || value.trim() === "") return [];
  return value.split(",").map((token) => token.trim());
}
