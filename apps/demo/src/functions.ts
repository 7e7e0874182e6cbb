// The functions that workflows are made of. Each runs in some function host, against some cache node, and keeps nothing: what it needs
// to know comes in its arguments and in the token.

import type { ListEntry, Review, ReviewList, View } from "./systems.js";

/** Entries that a list keeps. */
const LIST_LENGTH = 12;

export interface Part {
  readonly review: string;
  readonly version: number;
  readonly name: string;
}

const partKey = ({ review, version, name }: Part): string => `part:${review}:${version}:${name}`;
const reviewKey = (review: string): string => `review:${review}`;

async function uploadPart(view: View, part: Part, content: unknown): Promise<void> {
  await view.set(partKey(part), content);
}

/** Puts the parts together. Returns the names of parts that this node does not show. */
async function storeReview(view: View, review: Review, names: readonly string[]): Promise<readonly string[]> {
  const parts = await view.getMany<unknown>(names.map((name) => partKey({ review: review.id, version: review.version, name })));
  await view.set(reviewKey(review.id), review);
  return names.filter((_, index) => parts[index] === undefined);
}

/** Adds the review to a list and returns the list as it was found. */
async function addToList(view: View, key: string, entry: ListEntry, film: boolean): Promise<{ found: ReviewList; written: ReviewList }> {
  const found = (await view.get<ReviewList>(key)) ?? { version: 0, entries: [] };
  const others = found.entries.filter(({ review }) => review !== entry.review);
  const written = { version: found.version + 1, entries: [entry, ...others].slice(0, film ? LIST_LENGTH : LIST_LENGTH * 2) };
  await view.set(key, written);
  return { found, written };
}

async function readList(view: View, key: string): Promise<ReviewList> {
  return (await view.get<ReviewList>(key)) ?? { version: 0, entries: [] };
}

async function readReviews(view: View, reviews: readonly string[]): Promise<(Review | null)[]> {
  if (reviews.length === 0) return [];
  const found = await view.getMany<Review>(reviews.map(reviewKey));
  return found.map((review) => review ?? null);
}

export const FUNCTIONS = { uploadPart, storeReview, addToList, readList, readReviews };

export type FunctionName = keyof typeof FUNCTIONS;
/** The arguments of a function after its view. */
export type ArgumentsOf<Name extends FunctionName> = Parameters<(typeof FUNCTIONS)[Name]> extends [View, ...infer Rest] ? Rest : never;
export type ResultOf<Name extends FunctionName> = Awaited<ReturnType<(typeof FUNCTIONS)[Name]>>;
