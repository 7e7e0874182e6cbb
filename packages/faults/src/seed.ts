// The seed of a random test: drawn, or taken from the environment, and printed either way so that the run can be had again.

const VARIABLE = "CAUSALMESH_FAULTS_SEED";
const SEED_MAX = 1_000_000_000;

export function seedFrom(what: string): number {
  const given = process.env[VARIABLE];
  if (given !== undefined && !/^\d{1,15}$/.test(given)) throw new Error(`${VARIABLE} is ${JSON.stringify(given)}; give a whole number`);
  const seed = given === undefined ? Math.floor(Math.random() * SEED_MAX) : Number(given);
  console.log(`${what}: ${VARIABLE}=${seed}`);
  return seed;
}
