import { describe, expect, it } from "vitest";
import { EXIT, run } from "../src/index.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal, type TestTerminalOptions } from "./terminal.js";

async function running(argv: readonly string[], options: TestTerminalOptions = {}) {
  const terminal = testTerminal({ cwd: temporaryFolder(), ...options });
  return { exitCode: await run(argv, terminal), out: terminal.out(), err: terminal.err() };
}

describe("help", () => {
  it("is what a run without arguments prints", async () => {
    const { exitCode, out, err } = await running([]);
    expect({ exitCode, err }).toEqual({ exitCode: EXIT.ok, err: "" });
    for (const word of ["dev", "node", "cluster", "kv", "session", "doctor", "--json", "CAUSALMESH_URL", "Exit codes"]) expect(out).toContain(word);
  });

  it.each([[["dev"]], [["node", "start"]], [["cluster", "status"]], [["kv", "get"]], [["kv", "set"]], [["kv", "del"]], [["session", "decode"]], [["doctor"]]])(
    "of %j shows examples and the flags of all commands",
    async (command) => {
      const { exitCode, out } = await running([...command, "--help"]);
      expect(exitCode).toBe(EXIT.ok);
      expect(out).toMatch(/Examples?:\n {2}causalmesh /);
      for (const flag of ["--json", "--url", "--config", "--timeout", "--quiet", "--verbose", "--no-color", "--secret-file"]) expect(out).toContain(flag);
      expect(out).not.toContain("--supervised");
    },
  );

  it("has the version", async () => {
    const { exitCode, out } = await running(["--version"]);
    expect(exitCode).toBe(EXIT.ok);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("wrong usage exits with 2 and says what is wrong", () => {
  it.each<[string[], RegExp]>([
    [["kv", "get", "k", "--jsn"], /unknown option '--jsn'.*--json/],
    [["kv", "put", "k"], /unknown command 'put'/],
    [["kv", "get"], /missing required argument 'key'/],
    [["kv", "set", "k"], /missing required argument 'value'/],
    [["kv", "get", "a", "b"], /too many arguments/],
    [["kx"], /unknown command 'kx'.*kv/],
    [["kv", "get", "k", "--url", "ftp://a:1"], /ftp:\/\/ is not supported/],
    [["kv", "get", "k", "--url", "http://a:1"], /--namespace/],
    [["kv", "get", "k", "--url", "mesh://a:1,meshs://b:1"], /--url mixes/],
    [["kv", "get", "k", "--url", "mesh://a:1", "--tls-ca", "ca.pem"], /write meshs:\/\//],
    [["kv", "get", "k", "--tls-ca", "absent.pem"], /absent\.pem cannot be read/],
    [["kv", "get", "k", "--api-key-file", "absent"], /--api-key-file .*absent cannot be read/],
    [["doctor", "--url", "https://a:1"], /mesh:\/\/ URLs/],
    [["kv", "get", "k", "--timeout", "soon"], /--timeout "soon"/],
    [["kv", "set", "k", "v", "--durability", "eternal"], /--durability "eternal".*memory, replicated, everywhere, stored/],
    [["kv", "set", "k", "v", "--ttl", "x"], /--ttl "x"/],
    [["kv", "set", "k", "12345678901234567890"], /--string keeps it as text/],
    [["kv", "get", "k", "--session", ""], /--session is empty/],
    [["kv", "get", "k", "--config", "absent.json"], /no configuration file/],
    [["dev", "--nodes", "0"], /--nodes must be a whole number from 1 to 64, not 0/],
    [["dev", "--nodes", "three"], /--nodes must be a whole number/],
    [["dev", "--port", "70000"], /--port must be/],
    [["dev", "--store", "memory:"], /memory: cannot be shared by 3 processes.*lmdb:\.\/data/],
    [["dev", "--store", "mysql://u:p@h/db"], /no store has the scheme mysql:.*memory:.*lmdb:.*postgres:/],
    [["dev", "--store", "postgres://u:p/q@h/db"], /postgres: write \/ \? # and @ in a user name or password as %2F/],
    [["dev", "--store", "./data"], /did you mean lmdb:\.\/data/],
    [["dev", "--host", "0.0.0.0"], /--insecure-no-authentication/],
    [["node", "start"], /which store\?/],
    [["node", "start", "--store", "memory:", "--listen", "7400"], /--listen "7400" is not an address/],
    [["node", "start", "--store", "memory:", "--listen", "0.0.0.0:7400"], /can be reached from other machines/],
    [["node", "start", "--store", "memory:", "--tls-client-certs"], /--tls-client-certs needs --tls-ca/],
    [["node", "start", "--store", "memory:", "--tls-ca", "ca.pem"], /--tls-cert and --tls-key/],
    [["node", "start", "--store", "memory:", "--http", "127.0.0.1:0", "--http-tls-cert", "c"], /belong together/],
    [["node", "start", "--store", "memory:", "--admin", "0.0.0.0:0"], /--admin-no-authentication/],
    [["node", "start", "--store", "mongodb://x"], /no store has the scheme mongodb:.*redis:/],
    [["node", "start", "--store", "redis://x/y"], /the URL must be redis:/],
    [["node", "start", "--store", "memory:", "--replica", "0"], /--replica must be/],
    [["node", "start", "--store", "memory:", "--cache-bytes", "10"], /--cache-bytes must be/],
    [["node", "start", "--store", "memory:", "--secret", "short"], /--secret has 5 bytes/],
  ])("%j", async (argv, message) => {
    const { exitCode, out, err } = await running(argv);
    expect(err).toMatch(message);
    expect(err).toMatch(/^error: [^\n]+ \[[A-Z_]+\]\n$/);
    expect({ exitCode, out }).toEqual({ exitCode: EXIT.usage, out: "" });
  });

  it("as JSON on standard error with --json", async () => {
    const { exitCode, out, err } = await running(["kv", "get", "--json"]);
    expect({ exitCode, out }).toEqual({ exitCode: EXIT.usage, out: "" });
    expect(JSON.parse(err)).toEqual({ error: { code: "OPTION_INVALID", message: expect.stringContaining("'key'"), retryable: false } });
  });

  it("shows the verbs of a noun that stands alone", async () => {
    const { exitCode, err } = await running(["kv"]);
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toMatch(/get .*<key>/);
  });

  it("also where a configuration file is wrong", async () => {
    const cwd = temporaryFolder({ "causalmesh.config.json": '{"nodes":3}' });
    const { exitCode, err } = await running(["kv", "get", "k"], { cwd });
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toContain('unknown entry "nodes"');
  });
});
