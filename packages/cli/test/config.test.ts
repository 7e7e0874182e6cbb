// config show and validate: what each setting is, where it comes from, and that this is what the commands go by.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT, run } from "../src/index.js";
import { settingOrigins } from "../src/setting-origins.js";
import { resolveSettings, type GlobalFlags } from "../src/settings.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal, type TestTerminalOptions } from "./terminal.js";

const SECRET = "a secret of this very test";

async function running(argv: readonly string[], options: TestTerminalOptions = {}) {
  const terminal = testTerminal({ cwd: temporaryFolder(), ...options });
  return { exitCode: await run(argv, terminal), out: terminal.out(), err: terminal.err() };
}

const fileIn = (config: object): string => temporaryFolder({ "causalmesh.config.json": JSON.stringify(config), "mesh.secret": SECRET });

describe("config show", () => {
  it("has each setting with its value, and with --origin the place that decides", async () => {
    const cwd = fileIn({ namespace: "shop", store: "postgres://me:pass@db/shop", secretFile: "mesh.secret", node: { listen: "0.0.0.0:7400" } });
    const env = { CAUSALMESH_URL: "mesh://a:1,mesh://b:2", CAUSALMESH_STORE: "" };
    const { exitCode, out } = await running(["config", "show", "--origin", "--json", "--timeout", "2s"], { cwd, env });
    expect(exitCode).toBe(EXIT.ok);
    const shown = new Map(
      out
        .trim()
        .split("\n")
        .map((line) => {
          const { name, value, origin } = JSON.parse(line) as { name: string; value: unknown; origin: string };
          return [name, [value, origin]];
        }),
    );
    const file = join(cwd, "causalmesh.config.json");
    expect(shown.get("url")).toEqual(["mesh://a:1,mesh://b:2", "CAUSALMESH_URL"]);
    expect(shown.get("timeout")).toEqual(["2s", "--timeout"]);
    expect(shown.get("namespace")).toEqual(["shop", file]);
    expect(shown.get("store")).toEqual(["postgres://db/shop", file]);
    expect(shown.get("secretFile")).toEqual(["mesh.secret", file]);
    expect(shown.get("secret")).toEqual([null, "default"]);
    expect(shown.get("node.listen")).toEqual(["0.0.0.0:7400", file]);
    expect(shown.get("node.grace")).toEqual([10_000, "default"]);
    expect(shown.get("dev.nodes")).toEqual([3, "default"]);
  });

  it("shows neither the secret nor the store's password", async () => {
    const env = { CAUSALMESH_SECRET: SECRET, CAUSALMESH_STORE: "redis://me:pass@db:6379", CAUSALMESH_API_KEY: "pass for HTTP" };
    for (const flags of [[], ["--json"], ["--origin"]]) {
      const { out } = await running(["config", "show", ...flags], { env });
      expect(out).toContain("(set)");
      expect(out).toContain("redis://db:6379");
      expect(out).not.toMatch(/very test|pass/);
    }
  });

  it("says of what several places name what the commands go by", async () => {
    const config = { url: "mesh://file:1", namespace: "file", secret: `${SECRET} file`, timeout: "3s", logLevel: "error" };
    const env = { CAUSALMESH_URL: "mesh://env:1", CAUSALMESH_NAMESPACE: "env", CAUSALMESH_SECRET: `${SECRET} env`, CAUSALMESH_LOG_LEVEL: "debug" };
    const flags: GlobalFlags = { url: "mesh://flag:1", namespace: "flag", secret: `${SECRET} flag`, timeout: "1s", quiet: true };
    for (const [givenFlags, givenEnv, origin] of [
      [flags, env, /^--(url|namespace|secret|timeout|quiet)$/],
      [{}, env, /^CAUSALMESH_|json$/],
      [{}, {}, /json$/],
    ] as const) {
      const terminal = testTerminal({ cwd: fileIn(config), env: givenEnv });
      const settings = await resolveSettings(givenFlags, terminal);
      const origins = new Map(settingOrigins(givenFlags, settings, terminal).map((setting) => [setting.name, setting]));
      expect(settings.nodes).toEqual([String(origins.get("url")!.value).slice("mesh://".length)]);
      expect(settings.namespace).toBe(origins.get("namespace")!.value);
      expect(settings.logLevel).toBe(origins.get("logLevel")!.value);
      expect(settings.timeoutMs).toBe(Number.parseInt(String(origins.get("timeout")!.value), 10) * 1_000);
      expect(origins.get("secret")!.value).toBe("(set)");
      for (const name of ["url", "namespace", "secret", "timeout", "logLevel"]) expect(origins.get(name)!.origin, name).toMatch(origin);
    }
  });

  it("says which of a secret and a file counts, by the place that names it", async () => {
    const terminal = testTerminal({ cwd: fileIn({ secretFile: "mesh.secret" }), env: { CAUSALMESH_SECRET: SECRET } });
    const settings = await resolveSettings({}, terminal);
    expect(settings.secret).toBe(SECRET);
    expect(settingOrigins({}, settings, terminal).filter(({ name }) => name.startsWith("secret"))).toEqual([
      { name: "secret", value: "(set)", origin: "CAUSALMESH_SECRET" },
      { name: "secretFile", value: undefined, origin: "default" },
    ]);
  });
});

describe("config validate", () => {
  it("says that everything is right, and of which file", async () => {
    const cwd = fileIn({ store: "lmdb:./data", node: { listen: "127.0.0.1:0", grace: "25s" }, dev: { nodes: 5 } });
    expect(await running(["config", "validate", "--json"], { cwd })).toEqual({
      exitCode: EXIT.ok,
      out: `${JSON.stringify({ ok: true, file: join(cwd, "causalmesh.config.json") })}\n`,
      err: "",
    });
    expect(await running(["config", "validate"])).toMatchObject({ exitCode: EXIT.ok, out: expect.stringContaining("no configuration file") });
  });

  it.each<[string, object, Record<string, string>, RegExp]>([
    ["an unknown entry", { urls: "x" }, {}, /unknown entry "urls"/],
    ["an address of a node", { store: "lmdb:./data", node: { listen: "7400" } }, {}, /--listen "7400"/],
    ["a grace period", { store: "lmdb:./data", node: { grace: "soon" } }, {}, /"node.grace" "soon"/],
    ["what dev takes", { dev: { nodes: 0 } }, {}, /"dev.nodes" must be/],
    ["a node that others reach without a secret", { store: "lmdb:./data", node: { listen: "0.0.0.0:7400" } }, {}, /no secret/],
    ["a secret that is too short", {}, { CAUSALMESH_SECRET: "short" }, /CAUSALMESH_SECRET has 5 bytes/],
    ["a store", {}, { CAUSALMESH_STORE: "mysql:x" }, /no store has the scheme mysql/],
  ])("exits with 2 for %s that is wrong", async (_what, config, env, message) => {
    const { exitCode, out, err } = await running(["config", "validate"], { cwd: fileIn(config), env });
    expect({ exitCode, out }).toEqual({ exitCode: EXIT.usage, out: "" });
    expect(err).toMatch(message);
  });
});
