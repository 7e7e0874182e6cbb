// Every limit of the HTTP front in one place, with its unit last in the name and the reason beside it. Those of keys, values and tokens
// are the core's.

/** The body of one request: the largest write of several keys, and what JSON adds to it. */
export const BODY_BYTES_MAX = 6 * 1024 * 1024;
/** All header lines of one request: a session token of the largest size, and room for the others. */
export const HEADER_BYTES_MAX = 80 * 1024;
/** Tokens that one request joins: more branches than this are joined in steps. */
export const TOKENS_PER_REQUEST_MAX = 64;
/** An API key as it is presented; longer ones are refused before they are hashed. */
export const API_KEY_BYTES_MAX = 512;
/** The least that is not guessed by trying. */
export const API_KEY_BYTES_MIN = 16;
/** How long a list of API keys that a function returned is used before the function is asked again. */
export const API_KEYS_AGE_MS_DEFAULT = 30_000;
/** Several tokens of one request are joined into one beforehand where they take more: many clients and proxies take header lines of 4 or 8 KiB only. */
export const SESSION_HEADER_BYTES_AIM = 4 * 1024;
/** Time for the header lines of a request: whoever sends them byte by byte is cut off. */
export const HEADERS_TIMEOUT_MS_DEFAULT = 10_000;
/** Time for a whole request with its body. */
export const REQUEST_TIMEOUT_MS_DEFAULT = 30_000;
/** Time for which a connection may be silent, between requests or within one, such as a reader that takes no bytes of its answer. */
export const IDLE_TIMEOUT_MS_DEFAULT = 60_000;
/** How often the two times above are looked at. */
export const TIMEOUT_CHECK_MS = 1_000;
/** Connections at a time; beyond it new ones are closed at once. */
export const CONNECTIONS_MAX_DEFAULT = 10_000;
/** Time for requests under way when the server is closed, before their connections are cut. */
export const CLOSE_TIMEOUT_MS_DEFAULT = 10_000;
