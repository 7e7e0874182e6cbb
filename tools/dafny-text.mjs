// What a proof may not be written with: each of these makes Dafny believe something without a proof.

const WORDS = [
  { pattern: /\bassume\b/, what: "assume" },
  { pattern: /\bexpect\b/, what: "expect" },
  { pattern: /\bdecreases\s*\*/, what: "decreases *" },
  { pattern: /\bmodule\s+\{/, what: "a module without a name" },
  { pattern: /\b(abstract|refines)\b/, what: "a module that is refined: what it leaves open is believed" },
];
/** They change how a proof is found, not what is proved. */
const ATTRIBUTES = new Set(["opaque", "trigger", "induction", "fuel"]);
/** Dafny takes a declaration without a body for one that is true of something. */
const NEEDS_BODY =
  /^\s*((static|ghost|twostate|least|greatest|inductive)\s+)*(lemma|function(\s+method)?|(inductive\s+|copredicate\s+)?predicate(\s+method)?|method|colemma)\b/;
const DECLARES =
  /^\s*((static|ghost|twostate|least|greatest|inductive|abstract)\s+)*(lemma|function|predicate|copredicate|method|colemma|const|datatype|codatatype|newtype|type|class|trait|module|import|export|iterator|include)\b/;

/** What is wrong with the text of a Dafny file: lines such as `12: assume`; none where nothing is. */
export function problemsIn(text) {
  const lines = withoutComments(text).split("\n");
  const problems = [];
  const report = (index, what) => problems.push(`${index + 1}: ${what}`);
  lines.forEach((line, index) => {
    for (const { pattern, what } of WORDS) if (pattern.test(line)) report(index, what);
    for (const [, name] of line.matchAll(/\{:\s*(\w*)/g)) if (!ATTRIBUTES.has(name)) report(index, `{:${name}}`);
    if (NEEDS_BODY.test(line) && !hasBody(lines, index)) report(index, `${line.trim()}: no body, or one that does not begin at the end of a line`);
    if (/^\s*const\b/.test(line) && !line.includes(":=")) report(index, `${line.trim()}: no value`);
    const included = /^\s*include\s+"([^"]*)"/.exec(line)?.[1];
    if (included !== undefined && !/^[\w-]+\.dfy$/.test(included)) report(index, `${line.trim()}: not a file of the same folder, so nobody verifies it`);
  });
  return problems;
}

/** A body's brace ends a line; those of sets and of attributes do not. */
function hasBody(lines, from) {
  for (let index = from; index < lines.length && (index === from || !DECLARES.test(lines[index])); index++) {
    if (/(^|[\s)])\{\s*$/.test(lines[index])) return true;
  }
  return false;
}

/** The same lines with spaces for comments. Comments nest, as in Dafny. */
function withoutComments(text) {
  let code = "";
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const two = text.slice(at, at + 2);
    if (depth === 0 && two === "//") at = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at);
    else if (two === "/*" || (two === "*/" && depth > 0)) {
      depth += two === "/*" ? 1 : -1;
      at += 2;
    } else {
      code += depth === 0 || text[at] === "\n" ? text[at] : " ";
      at += 1;
    }
  }
  return code;
}
