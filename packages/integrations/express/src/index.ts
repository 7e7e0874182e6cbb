// For users.
export { meshSession } from "./middleware.js";
export { sessionFetch, type ReceiveOptions, type SessionFetchOptions } from "@causalmesh/carriers";
