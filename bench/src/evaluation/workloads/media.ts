// The paper's review site. Half of the workflows compose a review, in eight function calls: four in parallel and one that joins them have nothing to do with the store and take
// no time here; one stores the review; two in parallel put it into the list of its film and of its author. The other half read a list, and then
// its reviews.

import { numbered } from "../load/notes.js";
import type { Calls, WorkflowSpec } from "../load/flow.js";
import { below, type Draw, type Workload, type WorkloadOptions } from "./workload.js";

const LISTS = 1_000;
const LIST_LENGTH = 10;
const SHOWN_MIN = 5;
const COMPOSE_SHARE = 0.5;
const REVIEW = "a review of some length, as people write them".padEnd(100, ".");

export function media({ keys: reviews }: WorkloadOptions, { random, servers }: Draw): Workload {
  const pick = (limit: number): number => below(random, limit);
  const films = Array.from({ length: LISTS }, (_, id) => `movieReview.${id}`);
  const users = Array.from({ length: LISTS }, (_, id) => `userReview.${id}`);
  const stored = Array.from({ length: reviews }, (_, id) => `reviewStorage.${id}`);
  const compose = (): WorkflowSpec => {
    const [review, ...lists] = [stored[pick(reviews)], films[pick(LISTS)], users[pick(LISTS)]];
    const at = [pick(servers), pick(servers), pick(servers), pick(servers)];
    const plan = [{ server: at[0], reads: [] }, ...lists.map((list, index) => ({ server: at[index + 1], reads: [list] })), { server: at[3], reads: [] }];
    return {
      plan,
      run: async (flow) => {
        await flow.call({ server: at[0], reads: [], work: (calls) => calls.write(review, REVIEW) });
        await flow.all(
          lists.map((list, index) => (branch) => branch.call({ server: at[index + 1], reads: [list], work: (calls) => putFirst(calls, list, review) })),
        );
        // The workflow ends where its branches are joined.
        await flow.call({ server: at[3], reads: [], last: true, work: async () => undefined });
      },
    };
  };
  const read = (): WorkflowSpec => {
    const list = pick(2) === 0 ? films[pick(LISTS)] : users[pick(LISTS)];
    const shown = SHOWN_MIN + pick(LIST_LENGTH - SHOWN_MIN + 1);
    const others = Array.from({ length: shown }, () => stored[pick(reviews)]);
    const at = [pick(servers), pick(servers)];
    return {
      plan: undefined,
      run: async (flow) => {
        const listed = await flow.call({ server: at[0], reads: [list], work: async (calls) => idsIn(await calls.read(list)) });
        // A list that is short as yet is filled up, so that the load does not depend on how long the site has been there.
        const keys = [...new Set([...listed, ...others])].slice(0, shown);
        await flow.call({ server: at[1], reads: keys, last: true, work: (calls) => calls.readMany(keys) });
      },
    };
  };
  return { keys: [...films, ...users, ...stored], fill: numbered(0, ""), next: () => (random() < COMPOSE_SHARE ? compose() : read()) };
}

async function putFirst(calls: Calls, list: string, review: string): Promise<void> {
  const listed = idsIn(await calls.read(list)).filter((id) => id !== review);
  await calls.write(list, [review, ...listed].slice(0, LIST_LENGTH).join(","));
}

function idsIn(payload: string | undefined): string[] {
  return payload === undefined || payload === "" ? [] : payload.split(",");
}
