// The workflows of the film-review site. Each is a graph of functions that hand over a token and nothing else; what a user was shown is
// judged here, outside of the systems.

import type { Anomaly, Memory } from "./anomalies.js";
import type { Film } from "./films.js";
import type { FunctionHosts } from "./hosts.js";
import type { Random } from "./random.js";
import type { ListEntry, Review, System } from "./systems.js";

export const WORKFLOWS = ["write a review", "read a film's page", "open reviews"] as const;
export type WorkflowName = (typeof WORKFLOWS)[number];

/** A person at the site. Their workflows run one after another, each from the token that the last one left. */
export interface User {
  readonly id: number;
  readonly memory: Memory;
  token: string;
}

export interface Site {
  readonly system: System;
  readonly hosts: FunctionHosts;
  readonly films: readonly Film[];
  readonly random: Random;
}

/** Runs one workflow. Returns the kinds of anomalies that the user met in it, each once: what is counted are workflows. */
export async function runWorkflow(name: WorkflowName, site: Site, user: User): Promise<ReadonlySet<Anomaly>> {
  const met = new Set<Anomaly>();
  const report = (anomalies: readonly Anomaly[]): void => anomalies.forEach((anomaly) => met.add(anomaly));
  await STEPS[name](site, user, report);
  return met;
}

type Report = (anomalies: readonly Anomaly[]) => void;

/** Reviews that somebody opens who reads more than the page. */
const OPENED = 2;
const PARTS = ["rating", "text", "signature"];
const WORDS = ["a quiet", "a loud", "an honest", "a long", "a strange", "a warm"];
const NOUNS = ["story", "ending", "lead", "score", "mess", "surprise"];

/** Uploads the parts in parallel, joins, stores the review, updates the user's and the film's list, and looks at the result. */
async function writeReview(site: Site, user: User, report: Report): Promise<void> {
  const { system, hosts } = site;
  const review = compose(site, user);
  const uploads = await Promise.all(
    PARTS.map((name) =>
      hosts.run(system, "uploadPart", [user.token], { review: review.id, version: review.version, name }, { of: review.id, name, rating: review.rating }),
    ),
  );
  const stored = await hosts.run(
    system,
    "storeReview",
    uploads.map(({ token }) => token),
    review,
    PARTS,
  );
  if (stored.result.length > 0) report(["own write missing"]);
  user.memory.wrote(review.id, review.version);

  const entry = { review: review.id, version: review.version };
  const [own, film] = await Promise.all([
    hosts.run(system, "addToList", [stored.token], `user:${user.id}:reviews`, entry, false),
    hosts.run(system, "addToList", [stored.token], `film:${review.film}:reviews`, entry, true),
  ]);
  report(user.memory.judgeList(own.result.found.version, own.result.written.version));

  const shown = await hosts.run(system, "readReviews", [own.token, film.token], [review.id]);
  report(user.memory.judge(entry, shown.result[0]));
  user.token = shown.token;
}

async function readFilm(site: Site, user: User, report: Report): Promise<void> {
  await readPage(site, user, someFilm(site), report);
}

/** Opens reviews of a film's page, the newest first, and goes back to the page after each, as people do: every time somewhere else. */
async function goBack(site: Site, user: User, report: Report): Promise<void> {
  const film = someFilm(site);
  const entries = await readPage(site, user, film, report);
  for (const entry of entries.slice(0, OPENED)) {
    await readReviews(site, user, [entry], report);
    await readPage(site, user, film, report);
  }
}

/** Reads a film's list, and its reviews in the next function. */
async function readPage(site: Site, user: User, film: Film, report: Report): Promise<readonly ListEntry[]> {
  const list = await site.hosts.run(site.system, "readList", [user.token], `film:${film.id}:reviews`);
  user.token = list.token;
  const { entries } = list.result;
  await readReviews(site, user, entries, report);
  return entries;
}

async function readReviews({ system, hosts }: Site, user: User, entries: readonly ListEntry[], report: Report): Promise<void> {
  const names = entries.map(({ review }) => review);
  const reviews = await hosts.run(system, "readReviews", [user.token], names);
  entries.forEach((entry, index) => report(user.memory.judge(entry, reviews.result[index])));
  user.token = reviews.token;
}

const STEPS: Readonly<Record<WorkflowName, (site: Site, user: User, report: Report) => Promise<void>>> = {
  "write a review": writeReview,
  "read a film's page": readFilm,
  "open reviews": goBack,
};

function someFilm({ films, random }: Site): Film {
  return films[random.popular(films.length)];
}

/** A new review of a popular film, or a new version of one that the user has written, mostly of the last ones: that is when one finds the mistakes. */
function compose(site: Site, user: User): Review {
  const { random } = site;
  const film = someFilm(site);
  const text = `${film.title}: ${WORDS[random.below(WORDS.length)]} ${NOUNS[random.below(NOUNS.length)]}`;
  const rating = 1 + random.below(10);
  const known = [...user.memory.own];
  if (known.length > 0 && random.next() < 0.4) {
    const [id, version] = known[known.length - 1 - random.popular(known.length)];
    return { id, version: version + 1, film: Number(id.split("-")[0]), user: user.id, rating, text };
  }
  return { id: `${film.id}-${user.id}-${known.length}`, version: 1, film: film.id, user: user.id, rating, text };
}
