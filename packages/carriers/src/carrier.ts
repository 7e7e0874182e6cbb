// What every carrier has in common: how a token gets out of the message that comes in, and into the one that goes out, and what lies in
// between. Messages of each kind are in the files beside this one.

import { MeshError, type Mesh, type SessionOptions, type SessionScope } from "@causalmesh/core";

/**
 * Carries sessions in messages of one kind. `Incoming` is what arrives where a function begins, and `Outgoing` what leaves where it ends; a
 * carrier does not change the messages that it is given.
 */
export interface SessionCarrier<Incoming, Outgoing = Incoming> {
  /** Where the token stands, for messages of errors, such as "the header causalmesh-session". */
  readonly place: string;
  /** The tokens in a message: none, one, or those of branches that are to be joined. */
  extract(message: Incoming): readonly string[];
  /** The message with this token, in place of those that it had. Throws OPTION_INVALID for one that can carry none. */
  inject(message: Outgoing, token: string): Outgoing;
}

/** How a function takes its session over. */
export interface ReceiveOptions extends SessionOptions {
  /** Whether a message without a token is refused with TOKEN_MISSING (something has dropped it on the way). Default: a new session begins. */
  readonly required?: boolean;
}

/**
 * Begins what the function of an incoming message does. Run it in the scope, and take the token of the scope's end to whatever leaves. Throws
 * TOKEN_MISSING, or TOKEN_… where a token is not sound or is of another mesh.
 */
export function receive<Incoming>(
  mesh: Mesh,
  carrier: Pick<SessionCarrier<Incoming>, "place" | "extract">,
  message: Incoming,
  { required = false, ...options }: ReceiveOptions = {},
): SessionScope {
  return mesh.begin(requireTokens(carrier.extract(message), carrier.place, required), options);
}

/** The tokens, or TOKEN_MISSING where there are none and some are required. */
export function requireTokens(tokens: readonly string[], place: string, required: boolean): readonly string[] {
  if (tokens.length > 0 || !required) return tokens;
  throw new MeshError("TOKEN_MISSING", `there is no session token in ${place}: see who sent the message, and what dropped the token on its way`);
}

/**
 * Runs a function from the message that comes in to the one that goes out: the token is taken when the function has ended, so that nothing of
 * what it did is missing. Rejects with what the function throws, with TOKEN_…, or with SESSION_BUSY where it did not await all of its calls.
 */
export async function carry<Incoming, Outgoing>(
  mesh: Mesh,
  carrier: SessionCarrier<Incoming, Outgoing>,
  message: Incoming,
  work: () => Outgoing | Promise<Outgoing>,
  options?: ReceiveOptions,
): Promise<Outgoing> {
  const { outcome, token } = await worked(receive(mesh, carrier, message, options), work);
  return carrier.inject(outcome, token);
}

/** Runs a function in a scope to its end. */
export async function worked<Outcome>(scope: SessionScope, work: () => Outcome | Promise<Outcome>): Promise<{ outcome: Outcome; token: string }> {
  let outcome: Outcome;
  try {
    outcome = await scope.run(work);
  } catch (error) {
    scope.abandon();
    throw error;
  }
  return { outcome, token: await scope.end() };
}
