// For users.
export { connect } from "./connect.js";

// For those who run nodes, and for tools.
export { tcpTransport } from "./transport.js";
export { publishNodeEvent } from "./diagnostics.js";
export { formatAddress, parseAddress, type HostPort } from "./address.js";
