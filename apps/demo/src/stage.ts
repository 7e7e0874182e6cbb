// Everything that runs beside this process: three nodes of each system, each system with a place of its own in the same kind of store, and the function hosts.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formMesh, type Mesh } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import { Crew, freeAddresses } from "./crew.js";
import { loadFilms, type Film } from "./films.js";
import { FunctionHosts } from "./hosts.js";
import { PlainClient } from "./plain/plain-client.js";
import type { FunctionHostOptions } from "./processes/function-host.js";
import type { MeshNodeOptions } from "./processes/mesh-node.js";
import type { PlainNodeOptions } from "./processes/plain-node.js";
import type { Random } from "./random.js";
import { openPlace, storePlaces, type StorePlace } from "./stores.js";

const NODES = 3;
const FUNCTION_HOSTS = 4;
const SECRET = "the demo's own secret";
/** Films in one write when the stores are filled. */
const FILL = 200;

export class Stage {
  readonly films = loadFilms();
  readonly crew = new Crew();
  #folder: string | undefined;
  mesh: Mesh | undefined;
  hosts!: FunctionHosts;

  /** `database` is a store's URL; without one, both systems get a folder each. */
  async start(random: Random, database: string | undefined, progress: (what: string) => void): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), "causalmesh-demo-"));
    const places = storePlaces(this.#folder, database);
    const addresses = await freeAddresses(NODES * 2);
    const mesh = addresses.slice(0, NODES);
    const plain = addresses.slice(NODES);
    progress(`starting ${NODES} nodes of each system and ${FUNCTION_HOSTS} function hosts`);
    await this.#startMesh(places.mesh, mesh);
    await this.#startPlain(places.plain, plain);
    const options: FunctionHostOptions = { mesh, plain, secret: SECRET };
    const hosts = await Promise.all(Array.from({ length: FUNCTION_HOSTS }, () => this.crew.start("function-host", options)));
    this.hosts = new FunctionHosts(hosts, NODES, random);
    progress(`filling both stores with ${this.films.length} films`);
    this.mesh = await connect({ nodes: mesh, secret: SECRET, timeoutMs: 30_000 });
    await Promise.all([this.#fillMesh(this.mesh), this.#fillPlain(plain[0])]);
  }

  async #startMesh(place: StorePlace, addresses: readonly string[]): Promise<void> {
    const store = await openPlace(place);
    const view = await formMesh(store, addresses);
    await store.close();
    await Promise.all(
      view.members.map(({ address, replica }) => {
        const options: MeshNodeOptions = { store: place, address, replica, secret: SECRET };
        return this.crew.start("mesh-node", options);
      }),
    );
  }

  async #startPlain(place: StorePlace, addresses: readonly string[]): Promise<void> {
    const start = (address: string, index: number): Promise<unknown> => {
      const options: PlainNodeOptions = { store: place, address, replica: index + 1, others: addresses.filter((other) => other !== address) };
      return this.crew.start("plain-node", options);
    };
    await Promise.all(addresses.map(start));
  }

  async #fillMesh(mesh: Mesh): Promise<void> {
    const session = mesh.session();
    for (const films of this.#slices())
      await session.setMany(
        films.map((film) => [`film:${film.id}`, film] as const),
        { durability: "stored" },
      );
  }

  async #fillPlain(address: string): Promise<void> {
    const client = await PlainClient.connect(address);
    for (const films of this.#slices()) await client.call({ set: films.map((film) => [`film:${film.id}`, film] as const) });
    client.close();
  }

  #slices(): Film[][] {
    return Array.from({ length: Math.ceil(this.films.length / FILL) }, (_, index) => this.films.slice(index * FILL, (index + 1) * FILL));
  }

  /** Ends every process and removes the stores. */
  async stop(): Promise<void> {
    await this.mesh?.close().catch(() => undefined);
    await this.crew.stop();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}
