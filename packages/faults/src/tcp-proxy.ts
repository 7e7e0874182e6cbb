// Between a client and its server: passes bytes on, late or not at all, breaks connections in the middle of what is sent, or refuses new ones.

import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class TcpProxy {
  /** The server's answers are this late. */
  delayMs = 0;
  /** While it holds, what clients send waits here, in order, also when they have gone; `release` passes it on. */
  holding = false;
  /** Connections are reset before a byte is passed on. */
  refusing = false;
  /** Called for each new connection: after so many bytes from the client it breaks, in the middle of what they say; Infinity for never. */
  breakAfterBytes: () => number = () => Infinity;
  /** Connections that broke that way. */
  breaks = 0;
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  #held: { readonly server: Socket; readonly bytes: Buffer }[] = [];

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async to(host: string, port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host, port });
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #accept(client: Socket): void {
    if (this.refusing) return void client.resetAndDestroy();
    const server = connect(this.#target);
    const ends = [client, server];
    const end = (): void => ends.forEach((socket) => socket.destroy());
    for (const socket of ends) {
      this.#sockets.add(socket);
      // The other end learns of it by the end of its own connection, after what is still on its way to it.
      socket
        .on("error", () => socket.destroy())
        .on("close", () => {
          this.#sockets.delete(socket);
          if (socket === server || !this.#held.some((held) => held.server === server)) end();
        });
    }
    let left = this.breakAfterBytes();
    client.on("data", (bytes) => {
      if (this.holding) return void this.#held.push({ server, bytes });
      server.write(left < bytes.length ? bytes.subarray(0, left) : bytes);
      left -= bytes.length;
      if (left >= 0) return;
      this.breaks += 1;
      // What was passed on still arrives: the server has seen half of it.
      server.end();
      client.destroy();
    });
    server.on("data", (bytes) => {
      if (this.delayMs === 0) client.write(bytes);
      else setTimeout(() => client.writable && client.write(bytes), this.delayMs);
    });
  }

  /** Bytes that are held back. */
  get heldBytes(): number {
    return this.#held.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Passes on what was held back, and ends the connections whose clients have gone meanwhile. */
  release(): void {
    this.holding = false;
    const held = this.#held;
    this.#held = [];
    for (const { server, bytes } of held) server.write(bytes);
    for (const server of new Set(held.map((one) => one.server))) server.end();
  }

  /** Breaks all connections that there are. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
