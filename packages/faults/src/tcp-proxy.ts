// Between a client and its server: passes bytes on, late or not at all, breaks connections in the middle of what is sent, or refuses new ones.

import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** What the client has said first; empty until then. */
  opening: Buffer;
}

export class TcpProxy {
  /** The server's answers, and what clients send, are this late. */
  delayMs = 0;
  requestDelayMs = 0;
  /** While it holds, what clients send waits here, in order, also when they have gone; `release` passes it on. */
  holding = false;
  /** Connections are reset before a byte is passed on. */
  refusing = false;
  /** Judges each new connection by what its client says first; those that are refused are reset before a byte is passed on. */
  admits: (opening: Buffer) => boolean = () => true;
  /** Called for each new connection: after so many bytes from the client it breaks, in the middle of what they say; Infinity for never. */
  breakAfterBytes: () => number = () => Infinity;
  /** Connections that broke that way. */
  breaks = 0;
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
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
    client.on("error", () => client.destroy());
    if (this.refusing) return void client.resetAndDestroy();
    const server = connect(this.#target);
    const link: Link = { client, server, opening: Buffer.alloc(0) };
    this.#links.add(link);
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    server.on("error", () => server.destroy());
    for (const socket of [client, server]) {
      // The other end learns of it by the end of its own connection, after what is still on its way to it.
      socket.on("close", () => {
        this.#links.delete(link);
        if (socket === server || !this.#held.some((held) => held.server === server)) end();
      });
    }
    const requests = new Delayed(server);
    const answers = new Delayed(client);
    let left = this.breakAfterBytes();
    client.on("data", (bytes) => {
      if (link.opening.length === 0) {
        link.opening = bytes;
        if (!this.admits(bytes)) return reset(link);
      }
      if (this.holding) return void this.#held.push({ server, bytes });
      requests.write(left < bytes.length ? bytes.subarray(0, left) : bytes, this.requestDelayMs);
      left -= bytes.length;
      if (left >= 0) return;
      this.breaks += 1;
      // What was passed on still arrives: the server has seen half of it.
      server.end();
      client.destroy();
    });
    server.on("data", (bytes) => answers.write(bytes, this.delayMs));
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

  /** Breaks all connections that there are, or those that are not admitted any more. */
  cut(isCut: (opening: Buffer) => boolean = () => true): void {
    for (const link of this.#links) if (isCut(link.opening)) reset(link);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function reset({ client, server }: Link): void {
  client.destroy();
  server.destroy();
}

/** One direction of a connection: bytes arrive in their order, however the delay changes. */
class Delayed {
  readonly #to: Socket;
  readonly #waiting: { readonly bytes: Buffer; readonly dueAt: number }[] = [];

  constructor(to: Socket) {
    this.#to = to;
  }

  write(bytes: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#waiting.length === 0) this.#to.write(bytes);
    else if (this.#waiting.push({ bytes, dueAt: performance.now() + delayMs }) === 1) this.#wait();
  }

  #wait(): void {
    setTimeout(() => this.#passOn(), Math.max(0, this.#waiting[0].dueAt - performance.now()));
  }

  #passOn(): void {
    if (!this.#to.writable) return;
    this.#to.write(this.#waiting.shift()!.bytes);
    if (this.#waiting.length > 0) this.#wait();
  }
}
