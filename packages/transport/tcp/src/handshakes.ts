// Connections with which TLS is not agreed on yet: bounded in number, as the mesh bounds those who have not proved themselves.

import type { Socket } from "node:net";
import type { Server } from "node:tls";
import { OldestFirst } from "./oldest-first.js";

/** Beyond so many handshakes at a time the oldest is ended. */
export function boundHandshakes(server: Server, max: number): void {
  const under = new OldestFirst<Socket>(max, (socket) => socket.destroy());
  // The server hands over another object than the one that came; both have the same other end.
  const sockets = new Map<string, Socket>();
  const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  const over = (end: string, socket: Socket): void => {
    under.delete(socket);
    if (sockets.get(end) === socket) sockets.delete(end);
  };
  server.on("connection", (socket) => {
    const end = endOf(socket);
    sockets.set(end, socket);
    socket.once("close", () => over(end, socket));
    under.add(socket);
  });
  server.on("secureConnection", (socket) => {
    const end = endOf(socket);
    const came = sockets.get(end);
    if (came !== undefined) over(end, came);
  });
}
