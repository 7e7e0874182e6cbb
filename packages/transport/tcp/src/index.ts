// For users.
export { connect, type ConnectOptions } from "./connect.js";
export { secretFile } from "./secret-file.js";
export { tlsFiles, type TlsOptions, type TlsPaths, type TlsSource } from "./tls.js";

// For those who run nodes, and for tools.
export { tcpTransport, type TcpTransportOptions } from "./transport.js";
export { publishNodeEvent } from "./diagnostics.js";
export { formatAddress, parseAddress, type HostPort } from "./address.js";
export type { RereadListener } from "./reread.js";
