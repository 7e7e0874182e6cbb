// The header lines that server and client have between them, beside the session's.

export { SESSION_HEADER } from "@causalmesh/core";
/** The write that was read, `replica:counter`. */
export const VERSION_HEADER = "causalmesh-version";
/** The age of that write. */
export const AGE_HEADER = "causalmesh-age-ms";
/** Milliseconds that the answer waited until the session's writes were few enough for a header; absent where it did not. */
export const WAITED_HEADER = "causalmesh-waited-ms";
