// Exit codes, the same for every command. The README has this table for users.

/** What each exit code of the program means. */
export const EXIT = {
  ok: 0,
  /** Something went wrong, or a check said no. */
  failed: 1,
  /** The command line, the environment or a configuration file is wrong. */
  usage: 2,
  unreachable: 3,
  timeout: 4,
  interrupted: 130,
} as const;

const BY_ERROR_CODE: Readonly<Record<string, number>> = {
  OPTION_INVALID: EXIT.usage,
  ADDRESS_INVALID: EXIT.usage,
  KEY_INVALID: EXIT.usage,
  VALUE_INVALID: EXIT.usage,
  VALUE_TOO_LARGE: EXIT.usage,
  TTL_INVALID: EXIT.usage,
  NODE_UNREACHABLE: EXIT.unreachable,
  TIMEOUT: EXIT.timeout,
  ABORTED: EXIT.interrupted,
};

export function exitCodeOf(error: unknown): number {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && Object.hasOwn(BY_ERROR_CODE, code) ? BY_ERROR_CODE[code] : EXIT.failed;
}
