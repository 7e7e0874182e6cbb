// What a node reads again while it runs, and says so in its log: the file with its secrets.

import { secretFile, type RereadListener } from "@causalmesh/transport-tcp";
import type { SecretSource } from "@causalmesh/core";
import type { Logger } from "./log.js";
import type { Settings } from "./settings.js";

/** Files are looked at when they are used; this looks as well when nothing happens, so that an operator sees in the log that a node has taken a change. */
const LOOK_MS = 1_000;

export interface RereadSettings {
  readonly secret: SecretSource | undefined;
  /** Whether there is anything that may change. */
  readonly hasFiles: boolean;
  /** Looks at the files now. */
  look(): void;
  end(): void;
}

export function rereadSettings({ secret: fixed, secretFile: path }: Pick<Settings, "secret" | "secretFile">, log: Logger): RereadSettings {
  const secrets = path === undefined ? undefined : secretFile(path, tell(log, "secrets", path));
  const look = (): void => void secrets?.();
  const timer = setInterval(look, LOOK_MS).unref();
  return { secret: secrets ?? fixed, hasFiles: path !== undefined, look, end: () => clearInterval(timer) };
}

function tell(log: Logger, what: string, file: string): RereadListener {
  return (error) => {
    if (error === undefined) log.info({ file }, `the ${what} were read again`);
    else log.error({ err: error }, `the ${what} stay as they were`);
  };
}
