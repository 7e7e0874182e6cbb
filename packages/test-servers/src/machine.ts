// What a machine has: ports, programs, users, packages. Nothing here knows of a particular server.

import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export const execute = promisify(execFile);

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The folder of a program: of those given, where `*` stands for any version and the newest comes first, then those of PATH. */
export function folderOf(program: string, folders: readonly string[]): string | undefined {
  const candidates = [...folders.flatMap(versions), ...(process.env.PATH ?? "").split(delimiter)];
  return candidates.find((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function versions(pattern: string): string[] {
  const [before, after] = pattern.split("*");
  if (after === undefined) return [pattern];
  if (!existsSync(before)) return [];
  const names = readdirSync(before).sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  return names.map((name) => `${before}${name}${after}`);
}

/** apt-get refuses to run twice at a time, and several test files may want something at once. */
const APT_LOCK = join(tmpdir(), "causalmesh-apt.lock");
/** Who comes second finds the package there already. */
const INSTALL = `dpkg-query --show --showformat '\${Status}' "$0" 2>/dev/null | grep -q 'install ok installed' ||
  { apt-get update && apt-get install --yes --no-install-recommends "$0"; }`;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Installs a Debian package where that is possible: on Debian, as root. Whether it is there then. */
export async function installDebianPackage(name: string): Promise<boolean> {
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) return false;
  // In run level 1 the package starts no service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  try {
    await execute("flock", [APT_LOCK, "sh", "-c", INSTALL, name], { env, maxBuffer: OUTPUT_BYTES_MAX });
    return true;
  } catch (error) {
    console.error(`apt-get could not install ${name}: ${(error as Error).message.trim().split("\n").at(-1)}`);
    return false;
  }
}

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** The first of these users that there is, for a server that refuses to run as root; undefined where this process is not root. */
export async function unprivilegedUser(...names: readonly string[]): Promise<UserIds | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of names) {
    try {
      const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => Number((await execute("id", [flag, name])).stdout)));
      return { uid, gid };
    } catch {
      // There is no such user; the next one may be there.
    }
  }
  throw new Error(`the server does not run as root, and there is no user ${names.join(" or ")} to run it; add one, or run the tests as another user`);
}
