// TCP, with TLS or without, as the mesh's Transport.

import { createServer, Socket, type AddressInfo, type Server, type SocketConstructorOpts } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { limits, MeshError, type Connection, type ConnectionEvents, type Listener, type Transport } from "@causalmesh/core";
import { formatAddress, parseAddressFor, type HostPort } from "./address.js";
import { SOCKET_HIGH_WATER_BYTES, TcpConnection } from "./connection.js";
import { connectError, listenError } from "./errors.js";
import { Certificates, type TlsSource } from "./tls.js";

type Open = (connection: Connection) => ConnectionEvents;

/** Options of `tcpTransport`. */
export interface TcpTransportOptions {
  /** Speaks TLS, to everybody who connects and to everybody it connects to. */
  readonly tls?: TlsSource;
}

/** Carries a mesh over TCP. Addresses are `host:port`, `[ipv6]:port`, with `mesh://` (`meshs://` for TLS) before them or not. Throws OPTION_INVALID. */
export function tcpTransport({ tls }: TcpTransportOptions = {}): Transport {
  const certificates = tls === undefined ? undefined : new Certificates(tls);
  const parse = (address: string): HostPort => parseAddressFor(address, certificates !== undefined);
  return {
    listen: async (address, accept) => await listen(serverFor(certificates, accept), parse(address)),
    connect: async (address, open, timeoutMs) => await connect(parse(address), open, timeoutMs, certificates),
  };
}

function serverFor(certificates: Certificates | undefined, accept: Open): Server {
  if (certificates === undefined) return createServer({ highWaterMark: SOCKET_HIGH_WATER_BYTES, noDelay: true }, (socket) => accepted(socket, accept));
  let { current } = certificates;
  const { options } = current;
  if (options.cert === undefined && options.pfx === undefined)
    throw new MeshError("OPTION_INVALID", "a node that speaks TLS needs a certificate: give tls with cert and key");
  const requestCert = options.requestCert === true;
  const server: TlsServer = createTlsServer(
    { ...options, requestCert, rejectUnauthorized: requestCert, handshakeTimeout: limits.CONNECT_TIMEOUT_MS_DEFAULT, noDelay: true },
    (socket) => accepted(socket, accept),
  );
  // Before TLS begins on it.
  server.prependListener("connection", () => {
    if (certificates.current === current) return;
    current = certificates.current;
    server.setSecureContext(current.options);
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

function listen(server: Server, wanted: HostPort): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenError(formatAddress(wanted), error)));
    server.listen({ host: wanted.host, port: wanted.port, ipv6Only: false }, () => {
      // What fails later, such as a lack of file descriptors, costs that one connection.
      server.on("error", () => undefined);
      resolve(listener(server, wanted.host));
    });
  });
}

function listener(server: Server, host: string): Listener {
  return {
    address: formatAddress({ host, port: (server.address() as AddressInfo).port }),
    // Not awaited: it would wait for the accepted connections, which stay.
    close: async () => void server.close(),
  };
}

function accepted(socket: Socket, accept: Open): void {
  const connection = new TcpConnection(socket, formatAddress({ host: socket.remoteAddress ?? "unknown", port: socket.remotePort ?? 0 }));
  connection.open(accept(connection));
}

function connect(to: HostPort, open: Open, timeoutMs: number, certificates: Certificates | undefined): Promise<Connection> {
  const address = formatAddress(to);
  return new Promise((resolve, reject) => {
    const { socket, ready } = dial(to, certificates);
    const fail = (error: MeshError): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new MeshError("TIMEOUT", `${address} did not take a connection within ${timeoutMs} ms; check the address and the network`)),
      timeoutMs,
    );
    const onError = (error: Error): void => fail(connectError(address, error));
    socket.once("error", onError);
    socket.once(ready, () => {
      clearTimeout(timer);
      const connection = new TcpConnection(socket, address);
      connection.open(open(connection));
      socket.off("error", onError);
      resolve(connection);
    });
  });
}

/** A socket on its way, and the event that says that it may be used. */
function dial({ host, port }: HostPort, certificates: Certificates | undefined): { socket: Socket; ready: "connect" | "secureConnect" } {
  const target = { host, port, noDelay: true };
  if (certificates === undefined) {
    const socket = new Socket({ writableHighWaterMark: SOCKET_HIGH_WATER_BYTES } as SocketConstructorOpts);
    return { socket: socket.connect(target), ready: "connect" };
  }
  const { options, context } = certificates.current;
  const { servername } = options;
  return { socket: connectTls({ ...target, secureContext: context, ...(servername === undefined ? {} : { servername }) }), ready: "secureConnect" };
}
