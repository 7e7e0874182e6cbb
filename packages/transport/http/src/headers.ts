// The header lines that server and client have between them.

/** The session token, in and out. Several tokens, with commas or in several lines, are branches to be joined. */
export const SESSION_HEADER = "causalmesh-session";
/** The write that was read, `replica:counter`. */
export const VERSION_HEADER = "causalmesh-version";
/** The age of that write. */
export const AGE_HEADER = "causalmesh-age-ms";
