import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveSettings, resolveStore, type GlobalFlags } from "../src/settings.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal } from "./terminal.js";

const FROM_FLAG = "flag-secret-0123456789";
const FROM_ENV = "env-secret-0123456789";
const FROM_FILE = "file-secret-0123456789";

async function settingsOf(flags: GlobalFlags, env: Record<string, string>, config?: object) {
  const cwd = temporaryFolder(config === undefined ? {} : { "causalmesh.config.json": JSON.stringify(config) });
  const terminal = testTerminal({ env, cwd });
  return { settings: await resolveSettings(flags, terminal), terminal, cwd };
}

describe("precedence: flag, environment, file, default", () => {
  it("holds for the nodes", async () => {
    const env = { CAUSALMESH_URL: "mesh://env:1, mesh://env:2" };
    const config = { url: ["mesh://file:1"] };
    expect((await settingsOf({ url: "mesh://flag:1,flag:2" }, env, config)).settings.nodes).toEqual(["flag:1", "flag:2"]);
    expect((await settingsOf({}, env, config)).settings.nodes).toEqual(["env:1", "env:2"]);
    expect((await settingsOf({}, {}, config)).settings.nodes).toEqual(["file:1"]);
    expect((await settingsOf({}, {})).settings.nodes).toEqual(["127.0.0.1:7400"]);
  });

  it("holds for the secret, where a flag's file beats the environment's text", async () => {
    const env = { CAUSALMESH_SECRET: FROM_ENV };
    const config = { secret: FROM_FILE };
    expect((await settingsOf({ secret: FROM_FLAG }, env, config)).settings.secret).toBe(FROM_FLAG);
    const { settings } = await settingsOf({ secretFile: join(temporaryFolder({ s: `${FROM_FLAG}\n` }), "s") }, env, config);
    expect((settings.secret as () => unknown)()).toEqual([FROM_FLAG]);
    expect((await settingsOf({}, env, config)).settings.secret).toBe(FROM_ENV);
    expect((await settingsOf({}, {}, config)).settings.secret).toBe(FROM_FILE);
    expect((await settingsOf({}, {})).settings.secret).toBeUndefined();
  });

  it("holds for the store", async () => {
    const env = { CAUSALMESH_STORE: "lmdb:./env" };
    const config = { store: "lmdb:./file" };
    const all = await settingsOf({}, env, config);
    expect(resolveStore("memory:", all.settings, all.terminal)).toEqual({ kind: "memory" });
    expect(resolveStore(undefined, all.settings, all.terminal)).toEqual({ kind: "lmdb", path: join(all.cwd, "env") });
    const some = await settingsOf({}, {}, config);
    expect(resolveStore(undefined, some.settings, some.terminal, "memory:")).toEqual({ kind: "lmdb", path: join(some.cwd, "file") });
    const none = await settingsOf({}, {});
    expect(resolveStore(undefined, none.settings, none.terminal, "memory:")).toEqual({ kind: "memory" });
    expect(() => resolveStore(undefined, none.settings, none.terminal)).toThrow(/--store or CAUSALMESH_STORE/);
  });

  it("holds for namespace, time-out and log level", async () => {
    const env = { CAUSALMESH_NAMESPACE: "env", CAUSALMESH_LOG_LEVEL: "error" };
    const config = { namespace: "file", logLevel: "trace", timeout: "2s" };
    expect((await settingsOf({ namespace: "flag", timeout: "750", verbose: true }, env, config)).settings).toMatchObject({
      namespace: "flag",
      timeoutMs: 750,
      logLevel: "debug",
    });
    expect((await settingsOf({}, env, config)).settings).toMatchObject({ namespace: "env", timeoutMs: 2000, logLevel: "error" });
    expect((await settingsOf({}, {}, config)).settings).toMatchObject({ namespace: "file", logLevel: "trace" });
    expect((await settingsOf({}, {})).settings).toMatchObject({ namespace: undefined, timeoutMs: 5000, logLevel: "info" });
  });

  it("takes an empty variable for one that is not set", async () => {
    const env = { CAUSALMESH_URL: "", CAUSALMESH_SECRET: "", CAUSALMESH_NAMESPACE: "", CAUSALMESH_STORE: "", CAUSALMESH_LOG_LEVEL: "" };
    const { settings } = await settingsOf({}, env, { url: "mesh://file:1", namespace: "file" });
    expect(settings).toMatchObject({ nodes: ["file:1"], namespace: "file", secret: undefined, logLevel: "info" });
  });

  it("takes paths of the file from the file's folder", async () => {
    const root = temporaryFolder({ "causalmesh.config.json": '{"store":"lmdb:./data","secretFile":"keys/s"}', "keys/s": FROM_FILE, "deep/er/x": "" });
    const terminal = testTerminal({ cwd: join(root, "deep/er") });
    const settings = await resolveSettings({}, terminal);
    expect((settings.secret as () => unknown)()).toEqual([FROM_FILE]);
    expect(settings.secretFile).toBe(join(root, "keys/s"));
    expect(resolveStore(undefined, settings, terminal)).toEqual({ kind: "lmdb", path: join(root, "data") });
  });
});

describe("what is refused", () => {
  it.each<[string, GlobalFlags, Record<string, string>, RegExp]>([
    ["a secret that is too short", { secret: "short" }, {}, /--secret has 5 bytes; a secret needs at least 16/],
    ["a secret twice", { secret: FROM_FLAG, secretFile: "s" }, {}, /--secret and --secret-file are both set/],
    ["a secret file that is not there", { secretFile: "absent" }, {}, /--secret-file: the file .*absent cannot be read/],
    ["an unknown log level", {}, { CAUSALMESH_LOG_LEVEL: "loud" }, /CAUSALMESH_LOG_LEVEL is "loud"/],
    ["a time without sense", { timeout: "soon" }, {}, /--timeout "soon" is not a time/],
    ["no time", { timeout: "0" }, {}, /is not a time/],
    ["a time beyond the timers", { timeout: "60d" }, {}, /is not a time/],
    ["no node", { url: " , " }, {}, /--url names no node/],
  ])("%s", async (_what, flags, env, message) => {
    await expect(settingsOf(flags, env)).rejects.toThrow(message);
  });

  it("never shows the secret", async () => {
    await expect(settingsOf({ secret: "hunter2" }, {})).rejects.toThrow(expect.objectContaining({ message: expect.not.stringContaining("hunter2") }));
  });
});
