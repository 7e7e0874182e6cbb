// The films: the records of movies.json in the package vega-datasets.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface Film {
  readonly id: number;
  readonly title: string;
  readonly genre: string | undefined;
  readonly released: string | undefined;
  readonly director: string | undefined;
  readonly imdbRating: number | undefined;
}

interface Movie {
  readonly Title: string | number | null;
  readonly "Major Genre": string | null;
  readonly "Release Date": string | null;
  readonly Director: string | null;
  readonly "IMDB Rating": number | null;
}

export function loadFilms(): Film[] {
  const entry = createRequire(import.meta.url).resolve("vega-datasets");
  const folder = entry.slice(0, entry.lastIndexOf("vega-datasets") + "vega-datasets".length);
  const movies = JSON.parse(readFileSync(join(dirname(folder), "vega-datasets", "data", "movies.json"), "utf8")) as Movie[];
  return movies.map((movie, id) => ({
    id,
    title: String(movie.Title ?? "untitled"),
    genre: movie["Major Genre"] ?? undefined,
    released: movie["Release Date"] ?? undefined,
    director: movie.Director ?? undefined,
    imdbRating: movie["IMDB Rating"] ?? undefined,
  }));
}
