// What a node reads again while it runs, and says so in its log: the files with its secrets and its certificates.

import type { SecretSource } from "@causalmesh/core";
import { secretFile, type RereadListener, type TlsSource } from "@causalmesh/transport-tcp";
import type { Logger } from "./log.js";
import type { Settings } from "./settings.js";
import { openTls } from "./tls.js";

/** Files are looked at when they are used; this looks as well when nothing happens, so that an operator sees in the log that a node has taken a change. */
const LOOK_MS = 1_000;

/** What to look at: each call looks at some files. */
type Look = () => unknown;

export interface Reread {
  readonly secret: SecretSource | undefined;
  readonly tls: TlsSource | undefined;
  /** Looks at these as well from now on. */
  add(look: Look): void;
  /** Whether there is anything that may change. */
  readonly hasFiles: boolean;
  /** Looks now. */
  look(): void;
  end(): void;
}

export function rereadSettings({ secret, secretFile: path, tls }: Pick<Settings, "secret" | "secretFile" | "tls">, log: Logger): Reread {
  const secrets = path === undefined ? undefined : secretFile(path, tell(log, "secrets"));
  const certificates = openTls(tls, tell(log, "certificates"));
  const looks: Look[] = [secrets, certificates].filter((look) => look !== undefined);
  const look = (): void => {
    for (const one of looks) one();
  };
  const timer = setInterval(look, LOOK_MS).unref();
  return {
    secret: secrets ?? secret,
    tls: certificates,
    add: (one) => looks.push(one),
    get hasFiles() {
      return looks.length > 0;
    },
    look,
    end: () => clearInterval(timer),
  };
}

/** Tells the log. */
export function tell(log: Logger, what: string): RereadListener {
  return (error) => {
    if (error === undefined) log.info(`the ${what} were read again`);
    else log.error({ err: error }, `the ${what} stay as they were`);
  };
}
