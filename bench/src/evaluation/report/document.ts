// The part of docs/evaluation.md that comes from results: everything between its markers.

const BEGIN = "<!-- results: written by `npm run evaluate -- --document` -->";
const END = "<!-- end of results -->";

/** The document with other results in it. Throws where the markers are missing. */
export function withResults(document: string, results: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the document has no place for results: put ${BEGIN} and ${END} into it`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${results.trim()}\n\n${document.slice(end)}`;
}
