// For users.
export { connect } from "./connect.js";
export { secretFile } from "./secret-file.js";

// For those who run nodes, and for tools.
export { tcpTransport } from "./transport.js";
export { formatAddress, parseAddress, type HostPort } from "./address.js";
export type { RereadListener } from "./reread.js";
