// The repository's own rules, as far as a program can see them. They may be made stricter, never looser.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { manifestOf, PUBLISHED, ROOT } from "../packages.mjs";

const LINES_MAX = 400;
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));
const text = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const code = files.filter((file) => /\.(ts|mjs)$/.test(file));
const sources = code.filter((file) => file.includes("/src/"));
const importsOf = (file: string): string[] => [...text(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier]) => specifier);
const self = "tools/test/tidy.test.ts";

/** The files for which something is wrong, and what; the test names them all. */
function offenders(among: readonly string[], problem: (file: string) => string | undefined): string[] {
  return among.flatMap((file) => {
    const found = problem(file);
    return found === undefined ? [] : [`${file}: ${found}`];
  });
}

describe("the code", () => {
  it(`has no source file of more than ${LINES_MAX} lines`, () => {
    expect(offenders(sources, (file) => (text(file).split("\n").length > LINES_MAX + 1 ? "too long" : undefined))).toEqual([]);
  });

  it("says in the head of every source file what the file owns", () => {
    expect(offenders(sources, (file) => (/^(#!.*\n)?\/[/*]/.test(text(file)) || /(^|\/)(index|main)\.ts$/.test(file) ? undefined : "no header"))).toEqual([]);
  });

  it("has nothing left to do and no test that is skipped", () => {
    expect(
      offenders(
        code.filter((file) => file !== self),
        (file) => /\b(TODO|FIXME|XXX)\b|\b(it|test|describe)\.(skip|only|todo)\b/.exec(text(file))?.[0],
      ),
    ).toEqual([]);
  });

  it("has kebab-case file names", () => {
    expect(offenders(sources, (file) => (/\/[a-z\d-]+(\.[a-z]+)?\.ts$/.test(file) ? undefined : "not kebab-case"))).toEqual([]);
  });

  it("names no place of a machine", () => {
    expect(
      offenders(
        files.filter((file) => file !== self && !file.endsWith("package-lock.json")),
        (file) => /(?<![\w.~/-])\/(work|root)\//.exec(text(file))?.[0],
      ),
    ).toEqual([]);
  });
});

describe("imports", () => {
  it("of the core stay in the core", () => {
    const allowed = /^\.{1,2}\/|^@noble\/hashes\//;
    expect(
      offenders(
        sources.filter((file) => file.startsWith("packages/core/")),
        (file) => importsOf(file).find((specifier) => !allowed.test(specifier)),
      ),
    ).toEqual([]);
  });

  it("of production code in the core stay out of its testing entry", () => {
    const production = sources.filter((file) => file.startsWith("packages/core/src/") && !file.startsWith("packages/core/src/testing/"));
    expect(offenders(production, (file) => importsOf(file).find((specifier) => specifier.includes("/testing/")))).toEqual([]);
  });

  it("of adapters, transports and suites go to the core alone, and those of adapters to their kit", () => {
    const lower = sources.filter((file) => /^packages\/(adapters|transport|conformance)\//.test(file));
    const isStore = (file: string): boolean => /^packages\/adapters\/(?!kit\/)/.test(file);
    const isAllowed = (file: string, specifier: string): boolean =>
      !/^(@causalmesh\/(?!core)|causalmesh)/.test(specifier) || (isStore(file) && specifier === "@causalmesh/adapter-kit");
    expect(offenders(lower, (file) => importsOf(file).find((specifier) => !isAllowed(file, specifier)))).toEqual([]);
  });

  it("of carriers and tools for tests go to the core alone, those of integrations to the carriers too, and those of the monitor to the checker", () => {
    const isAllowed = (file: string, specifier: string): boolean =>
      !/^(@causalmesh\/|causalmesh)/.test(specifier) ||
      /^@causalmesh\/core(\/|$)/.test(specifier) ||
      (file.startsWith("packages/integrations/") && specifier === "@causalmesh/carriers") ||
      (file.startsWith("packages/monitor/") && specifier === "@causalmesh/checker");
    expect(
      offenders(
        sources.filter((file) => /^packages\/(carriers|integrations|testing|monitor)\//.test(file)),
        (file) => importsOf(file).find((specifier) => !isAllowed(file, specifier)),
      ),
    ).toEqual([]);
  });

  it("of the checker go to the class of errors alone: it judges the nodes, and shares nothing with them", () => {
    const isForeign = (line: string): boolean => !/ from "\.{1,2}\//.test(line) && !/^import \{ MeshError \} from "@causalmesh\/core";$/.test(line);
    expect(
      offenders(
        sources.filter((file) => file.startsWith("packages/checker/")),
        (file) =>
          text(file)
            .match(/^(import|export) .* from ".*";$/gm)
            ?.find(isForeign),
      ),
    ).toEqual([]);
  });

  it("of the core go down its layers", () => {
    const layers = ["bytes", "cache", "protocol", "wire", "host", "client", "embedded"];
    const layerOf = (path: string): number => layers.indexOf(/^packages\/core\/src\/([a-z]+)\//.exec(path)?.[1] ?? "");
    const upward = (file: string): string | undefined =>
      importsOf(file).find((specifier) => {
        const target = join(file, "..", specifier);
        // A client in this process reads hits of its node directly; it knows the host's type and nothing else of it.
        return layerOf(file) >= 0 && layerOf(target) > layerOf(file);
      });
    expect(
      offenders(
        sources.filter((file) => file.startsWith("packages/core/src/")),
        upward,
      ),
    ).toEqual([]);
  });
});

describe("packages", () => {
  it.each(PUBLISHED)("%s exports what is built", (folder: string) => {
    const { exports, bin = {} } = manifestOf(folder) as { exports: Record<string, Record<string, string>>; bin?: Record<string, string> };
    for (const path of [...Object.values(exports).flatMap((entry) => Object.values(entry)), ...Object.values(bin)])
      expect(existsSync(join(ROOT, folder, path)), path).toBe(true);
  });

  it.each(PUBLISHED)("%s documents what it exports", (folder: string) => {
    const missing = exportedDeclarations(folder)
      .filter(({ documented }) => !documented)
      .map(({ name }) => name);
    expect(missing).toEqual([]);
  });

  it.each(files.filter((file) => /^packages\/(adapters\/(?!kit\/)|transport\/)[^/]+\/package\.json$/.test(file)).map((file) => join(file, "..")))(
    "%s passes the conformance suite",
    (folder) => {
      const tests = files.filter((file) => file.startsWith(`${folder}/test/`) && file.endsWith(".test.ts"));
      expect(tests.some((file) => /\b(storeSuite|transportSuite|sessionSuite)\(/.test(text(file)))).toBe(true);
    },
  );
});

/** Functions, classes and interfaces that a package's entry names, found in its declarations. */
function exportedDeclarations(folder: string): { name: string; documented: boolean }[] {
  const index = text(`${folder}/src/index.ts`);
  return [...index.matchAll(/export (type )?\{([^}]+)\} from "\.\/([^"]+)\.js"/g)].flatMap(([, , names, path]) => {
    const source = text(`${folder}/src/${path}.ts`);
    return names.split(",").flatMap((entry) => {
      const name = entry.trim().replace(/^type /, "");
      const at = new RegExp(`export (?:declare )?(?:async )?(?:function|class|abstract class|const) ${name}\\b`).exec(source)?.index;
      return at === undefined ? [] : [{ name, documented: /\*\/\s*$/.test(source.slice(0, at)) }];
    });
  });
}
