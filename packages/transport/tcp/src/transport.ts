// TCP as the mesh's Transport.

import { createServer, Socket, type AddressInfo, type Server, type SocketConstructorOpts } from "node:net";
import { MeshError, type Connection, type ConnectionEvents, type Listener, type Transport } from "@causalmesh/core";
import { formatAddress, parseAddress, type HostPort } from "./address.js";
import { SOCKET_HIGH_WATER_BYTES, TcpConnection } from "./connection.js";
import { connectError, listenError } from "./errors.js";

type Open = (connection: Connection) => ConnectionEvents;

/** Carries a mesh over TCP. Addresses are `host:port`, `[ipv6]:port`, with `mesh://` before them or not. */
export function tcpTransport(): Transport {
  return {
    listen: async (address, accept) => await listen(parseAddress(address), accept),
    connect: async (address, open, timeoutMs) => await connect(parseAddress(address), open, timeoutMs),
  };
}

function listen(wanted: HostPort, accept: Open): Promise<Listener> {
  const server = createServer({ highWaterMark: SOCKET_HIGH_WATER_BYTES, noDelay: true }, (socket) => accepted(socket, accept));
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

function connect(to: HostPort, open: Open, timeoutMs: number): Promise<Connection> {
  const address = formatAddress(to);
  return new Promise((resolve, reject) => {
    const socket = new Socket({ writableHighWaterMark: SOCKET_HIGH_WATER_BYTES } as SocketConstructorOpts);
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
    socket.once("connect", () => {
      clearTimeout(timer);
      const connection = new TcpConnection(socket, address);
      connection.open(open(connection));
      socket.off("error", onError);
      resolve(connection);
    });
    socket.connect({ host: to.host, port: to.port, noDelay: true });
  });
}
