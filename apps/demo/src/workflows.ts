// The workflows of the film-review site. Each is a graph of functions that hand over a token and nothing else; what a user was shown is
// judged here, outside of the systems.

import type { Anomaly, Memory } from "./anomalies.js";
import type { Film } from "./films.js";
import type { FunctionHosts } from "./hosts.js";
import type { Random } from "./random.js";
import type { Review, System } from "./systems.js";

export const WORKFLOWS = ["write a review", "read a film's page"] as const;
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
  /** Called for each anomaly. */
  readonly found: (anomaly: Anomaly) => void;
}

const PARTS = ["rating", "text", "signature"];
const WORDS = ["a quiet", "a loud", "an honest", "a long", "a strange", "a warm"];
const NOUNS = ["story", "ending", "lead", "score", "mess", "surprise"];

/** Uploads the parts in parallel, joins, stores the review, updates the user's and the film's list, and looks at the result. */
export async function writeReview(site: Site, user: User): Promise<void> {
  const { system, hosts, found } = site;
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
  for (const _ of stored.result) found("own write missing");
  user.memory.wrote(review.id, review.version);

  const entry = { review: review.id, version: review.version };
  const [own, film] = await Promise.all([
    hosts.run(system, "addToList", [stored.token], `user:${user.id}:reviews`, entry, false),
    hosts.run(system, "addToList", [stored.token], `film:${review.film}:reviews`, entry, true),
  ]);
  report(site, user.memory.judgeList(own.result.found.version, own.result.written.version));

  const shown = await hosts.run(system, "readReviews", [own.token, film.token], [review.id]);
  report(site, user.memory.judge(entry, shown.result[0]));
  user.token = shown.token;
}

/** Reads a film's list, and its reviews in the next function. */
export async function readFilm(site: Site, user: User): Promise<void> {
  const { system, hosts, films, random } = site;
  const film = films[random.popular(films.length)];
  const list = await hosts.run(system, "readList", [user.token], `film:${film.id}:reviews`);
  const { entries } = list.result;
  const reviews = await hosts.run(
    system,
    "readReviews",
    [list.token],
    entries.map(({ review }) => review),
  );
  entries.forEach((entry, index) => report(site, user.memory.judge(entry, reviews.result[index])));
  user.token = reviews.token;
}

function report(site: Site, anomaly: Anomaly | undefined): void {
  if (anomaly !== undefined) site.found(anomaly);
}

/** A new review of a popular film, or a new version of one that the user has written. */
function compose({ films, random }: Site, user: User): Review {
  const film = films[random.popular(films.length)];
  const text = `${film.title}: ${WORDS[random.below(WORDS.length)]} ${NOUNS[random.below(NOUNS.length)]}`;
  const rating = 1 + random.below(10);
  const known = [...user.memory.own];
  if (known.length > 0 && random.next() < 0.4) {
    const [id, version] = known[random.below(known.length)];
    return { id, version: version + 1, film: Number(id.split("-")[0]), user: user.id, rating, text };
  }
  return { id: `${film.id}-${user.id}-${known.length}`, version: 1, film: film.id, user: user.id, rating, text };
}
