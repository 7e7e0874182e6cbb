// For users.
export { withSession } from "./with-session.js";
export { sessionFetch, sqsCarrier, STATE_FIELD, type ReceiveOptions, type SessionFetchOptions } from "@causalmesh/carriers";
