import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findConfig, loadConfig } from "../src/config-file.js";
import { temporaryFolder } from "./folder.js";

describe("findConfig", () => {
  it("finds the nearest file up the tree, .mjs before .js before .json", () => {
    const root = temporaryFolder({
      "causalmesh.config.json": "{}",
      "a/causalmesh.config.json": "{}",
      "a/causalmesh.config.mjs": "export default {}",
      "a/b/c/file": "",
    });
    expect(findConfig(join(root, "a/b/c"))).toBe(join(root, "a/causalmesh.config.mjs"));
    expect(findConfig(root)).toBe(join(root, "causalmesh.config.json"));
  });
});

describe("loadConfig", () => {
  it.each([
    ["causalmesh.config.json", '{"url":["mesh://a:1"],"dev":{"nodes":5}}'],
    ["causalmesh.config.mjs", 'export default { url: ["mesh://a:1"], dev: { nodes: 5 } }'],
    ["causalmesh.config.js", 'module.exports = { url: ["mesh://a:1"], dev: { nodes: 5 } }'],
  ])("loads %s", async (name, content) => {
    const folder = temporaryFolder({ [name]: content });
    expect(await loadConfig(undefined, folder)).toEqual({ values: { url: ["mesh://a:1"], dev: { nodes: 5 } }, path: join(folder, name), folder });
  });

  it("takes the named file, and none with false", async () => {
    const folder = temporaryFolder({ "causalmesh.config.json": "{}", "other/mesh.json": '{"namespace":"x"}' });
    expect((await loadConfig("other/mesh.json", folder)).values).toEqual({ namespace: "x" });
    expect((await loadConfig(false, folder)).path).toBeUndefined();
  });

  it.each([
    ["not JSON", "{", /cannot be loaded/],
    ["not an object", "[]", /must export/],
    ["an unknown entry", '{"urls":"x"}', /unknown entry "urls"; there are url, secret/],
    ["an unknown entry inside", '{"dev":{"ports":1}}', /unknown entry "dev.ports"/],
    ["a wrong type", '{"store":1}', /"store" must be a string/],
    ["a wrong type inside", '{"dev":{"nodes":"3"}}', /"dev.nodes" must be a number/],
    ["no object inside", '{"dev":3}', /"dev" must be an object/],
  ])("refuses %s with the file's name", async (_what, content, message) => {
    const folder = temporaryFolder({ "causalmesh.config.json": content });
    await expect(loadConfig(undefined, folder)).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringMatching(message) });
    await expect(loadConfig(undefined, folder)).rejects.toThrow(join(folder, "causalmesh.config.json"));
  });

  it("refuses a named file that is not there", async () => {
    await expect(loadConfig("absent.json", temporaryFolder())).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});
