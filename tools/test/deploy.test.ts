// What can be known of the image, of compose.yaml and of the chart without a container engine and without a cluster: that they are well formed, that they fit what is here, and that the
// program runs as they run it.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DockerfileParser, type Copy } from "dockerfile-ast";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { helmPath } from "../helm.mjs";
import { manifestOf, ROOT } from "../packages.mjs";

const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");
/** The environment variables that the command line knows, as its README lists them. */
const KNOWN = new Set([...text("packages/cli/README.md").matchAll(/`(CAUSALMESH_[A-Z_]+)`/g)].map(([, name]) => name));

const dockerfile = DockerfileParser.parse(text("Dockerfile"));
const instructions = dockerfile.getInstructions();
const argumentsOf = (keyword: string): string[] => instructions.filter((one) => one.getKeyword() === keyword).map((one) => one.getArgumentsContent() ?? "");

describe("Dockerfile", () => {
  it("copies what is there, and what .dockerignore lets through", () => {
    const sources = dockerfile
      .getCOPYs()
      .filter((copy: Copy) => copy.getFromFlag() === null)
      .flatMap((copy) =>
        copy
          .getArguments()
          .slice(0, -1)
          .map((argument) => argument.getValue()),
      );
    expect(sources.length).toBeGreaterThan(4);
    const allowed = new Set(
      text(".dockerignore")
        .split("\n")
        .filter((line) => line.startsWith("!"))
        .map((line) => line.slice(1)),
    );
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(allowed, source).toContain(source);
    }
    // What is a workspace is needed by npm ci, and what the root's scripts build with.
    const { workspaces } = manifestOf(".") as { workspaces: string[] };
    for (const workspace of workspaces) expect(sources).toContain(workspace.split("/")[0]);
  });

  it("packs the command line with every package of this repository that it needs", () => {
    const packed = [
      ...argumentsOf("RUN")
        .join(" ")
        .matchAll(/-w (\S+)/g),
    ].map(([, folder]) => folder);
    const byName = new Map(packed.map((folder) => [(manifestOf(folder) as { name: string }).name, folder]));
    const needed = new Set<string>();
    const visit = (name: string): void => {
      if (needed.has(name)) return;
      needed.add(name);
      expect([...byName.keys()]).toContain(name);
      const { dependencies = {} } = manifestOf(byName.get(name)!) as { dependencies?: Record<string, string> };
      for (const dependency of Object.keys(dependencies)) if (dependency.startsWith("@causalmesh/")) visit(dependency);
    };
    visit("causalmesh");
    expect([...byName.keys()].sort()).toEqual([...needed].sort());
  });

  it("runs as a user who is not root, known by its number, and hands signals to the program", () => {
    expect(argumentsOf("USER")).toEqual(["1000:1000"]);
    expect(argumentsOf("STOPSIGNAL")).toEqual(["SIGTERM"]);
    // No shell in between, which would keep them.
    expect(argumentsOf("ENTRYPOINT").map((json) => JSON.parse(json) as string[])).toEqual([["causalmesh"]]);
    expect(argumentsOf("CMD").map((json) => JSON.parse(json) as string[])).toEqual([["node", "start", "--admin-no-authentication"]]);
    for (const [, name] of argumentsOf("ENV")
      .join(" ")
      .matchAll(/(CAUSALMESH_[A-Z_]+)=/g))
      expect(KNOWN).toContain(name);
  });
});

describe("compose.yaml", () => {
  interface Service {
    readonly read_only?: boolean;
    readonly cap_drop?: string[];
    readonly environment?: Record<string, string>;
    readonly depends_on?: Record<string, unknown>;
    readonly ports: string[];
  }
  const { services } = parse(text("compose.yaml"), { merge: true }) as { services: Record<string, Service> };
  const nodes = Object.entries(services).filter(([name]) => name.startsWith("node-"));

  it("has three nodes on one store, each under its own name, that write nothing and have no rights", () => {
    expect(nodes).toHaveLength(3);
    for (const [name, { environment = {}, read_only, cap_drop, depends_on = {} }] of nodes) {
      expect(environment.CAUSALMESH_ADVERTISE).toBe(`${name}:7400`);
      expect(environment.CAUSALMESH_STORE).toBe("postgres://mesh:mesh@postgres:5432/mesh");
      expect({ read_only, cap_drop }).toEqual({ read_only: true, cap_drop: ["ALL"] });
      for (const other of Object.keys(depends_on)) expect(Object.keys(services)).toContain(other);
      for (const variable of Object.keys(environment)) expect(KNOWN).toContain(variable);
    }
  });

  it("gives no port away beyond this machine, and none twice", () => {
    const ports = Object.values(services).flatMap((service) => service.ports);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(new Set(ports.map((port) => port.split(":")[1])).size).toBe(ports.length);
  });
});

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
  // Read as YAML; what stands there is checked by the schemas.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly spec: any;
}

const CHART = join(ROOT, "deploy/helm/causalmesh");
const MINIMUM = ["--set", "store.existingSecret=my-store,secret.existingSecret=my-secret"];
const EVERYTHING = [
  ...MINIMUM,
  "--set",
  "http.enabled=true,http.existingSecret=my-keys,serviceMonitor.enabled=true,serviceMonitor.labels.team=a,podAnnotations.a=b,nodeSelector.disk=ssd,imagePullSecrets[0].name=pull",
  "--set",
  "serviceAccount.annotations.role=r,store.extraEnv[0].name=AWS_REGION,store.extraEnv[0].value=eu-central-1,tolerations[0].operator=Exists",
  "--namespace",
  "shop",
];
const helm = (...args: string[]): string => execFileSync(helmPath(), args, { encoding: "utf8", stdio: "pipe" });
const rendered = (values: string[]): Manifest[] =>
  parseAllDocuments(helm("template", "mesh", CHART, ...values))
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** The classes with the schemas of Kubernetes and of the Prometheus operator, by group and version. */
const MODELS: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = {
  v1: async () => await import("kubernetes-models/v1"),
  "apps/v1": async () => await import("kubernetes-models/apps/v1"),
  "policy/v1": async () => await import("kubernetes-models/policy/v1"),
  "monitoring.coreos.com/v1": async () => await import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"),
};

async function validate(manifest: Manifest): Promise<void> {
  const models = await MODELS[manifest.apiVersion]();
  const Model = models[manifest.kind] as new (data: Manifest) => { validate(): void };
  new Model(manifest).validate();
}

describe("the chart", () => {
  it("passes helm lint", () => {
    for (const values of [MINIMUM, EVERYTHING]) helm("lint", "--strict", CHART, ...values);
  });

  it.each([
    ["the least that it needs", MINIMUM, ["PodDisruptionBudget", "Service", "Service", "ServiceAccount", "StatefulSet"]],
    ["everything", EVERYTHING, ["PodDisruptionBudget", "Service", "Service", "ServiceAccount", "ServiceMonitor", "StatefulSet"]],
  ])("makes of %s what Kubernetes takes by its schemas, and no secret of its own", async (_what, values, kinds) => {
    const manifests = rendered(values);
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(kinds);
    for (const manifest of manifests) await validate(manifest);
    await expect(validate({ ...manifests.find(({ kind }) => kind === "StatefulSet")!, spec: {} })).rejects.toThrow(/selector/);
  });

  it("asks for the secrets, and for values that make sense", () => {
    const fails = (...values: string[]): string => {
      try {
        return helm("template", "mesh", CHART, ...values);
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    expect(fails()).toContain("store.existingSecret is missing");
    expect(fails("--set", "store.existingSecret=s")).toContain("secret.existingSecret is missing");
    expect(fails(...MINIMUM, "--set", "http.enabled=true")).toContain("http.existingSecret is missing");
    expect(fails(...MINIMUM, "--set", "replicas=0")).toContain("replicas");
    expect(fails(...MINIMUM, "--set", "store.url=postgres://u:p@h/d")).toContain("url");
  });

  it("fits together: labels select the pods, ports and volumes have the names by which they are meant, and the program knows its settings", () => {
    const manifests = rendered(EVERYTHING);
    const of = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind);
    const [{ spec: set }] = of("StatefulSet");
    const { metadata, spec: pod } = set.template;
    const [container] = pod.containers;
    const selects = (selector: Record<string, string>, labels: Record<string, string>): void => {
      for (const [name, value] of Object.entries(selector)) expect(labels[name]).toBe(value);
    };
    const ports = container.ports.map(({ name }: { name: string }) => name);
    for (const service of of("Service")) {
      selects(service.spec.selector, metadata.labels);
      for (const { targetPort } of service.spec.ports) expect(ports).toContain(targetPort);
    }
    const headless = of("Service").find(({ spec }) => spec.clusterIP === "None")!;
    expect(set.serviceName).toBe(headless.metadata.name);
    selects(set.selector.matchLabels, metadata.labels);
    selects(of("PodDisruptionBudget")[0].spec.selector.matchLabels, metadata.labels);
    selects(of("ServiceMonitor")[0].spec.selector.matchLabels, headless.metadata.labels);
    expect(headless.spec.ports.map(({ name }: { name: string }) => name)).toContain(of("ServiceMonitor")[0].spec.endpoints[0].port);
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) expect(ports).toContain(container[probe].httpGet.port);
    expect(container.volumeMounts.map(({ name }: { name: string }) => name)).toEqual(pod.volumes.map(({ name }: { name: string }) => name));
    const variables: { name: string; value?: string }[] = container.env;
    for (const { name } of variables) if (name.startsWith("CAUSALMESH_")) expect(KNOWN).toContain(name);
    const advertise = variables.find(({ name }) => name === "CAUSALMESH_ADVERTISE")!.value;
    expect(advertise).toBe(`$(POD_NAME).${headless.metadata.name}.shop.svc:7400`);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(25 + 5);
  });
});

describe("the program in a container", () => {
  it("runs with the settings of the chart as a user without rights, on a root file system that cannot be written, and ends with 0 at SIGTERM", async () => {
    const [mesh, admin] = [await freePort(), await freePort()];
    const [container] = rendered(MINIMUM).find(({ kind }) => kind === "StatefulSet")!.spec.template.spec.containers;
    const given = (container.env as { name: string; value?: string }[]).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
    const env = {
      ...Object.fromEntries(given),
      // What the cluster gives in place of these; and ports that are free here.
      CAUSALMESH_ADVERTISE: `127.0.0.1:${mesh}`,
      CAUSALMESH_LISTEN: `0.0.0.0:${mesh}`,
      CAUSALMESH_ADMIN: `0.0.0.0:${admin}`,
      CAUSALMESH_STORE: "memory:",
      CAUSALMESH_SECRET: "what nodes and clients prove here",
      PATH: process.env.PATH,
    };
    delete (env as Record<string, unknown>).CAUSALMESH_SECRET_FILE;
    const child = confined(["packages/cli/dist/main.js", ...(container.args as string[]), "--json"], env);
    let log = "";
    child.stderr!.setEncoding("utf8").on("data", (more: string) => (log += more));
    const first = (await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next()).value as string | undefined;
    expect(first, log).toContain('"ready":true');
    expect((await fetch(`http://127.0.0.1:${admin}/readyz`)).status).toBe(200);
    const { node: state } = (await (await fetch(`http://127.0.0.1:${admin}/debug`)).json()) as { node: { status: { cacheBytesMax: number } } };
    expect(state.status.cacheBytesMax).toBe(268_435_456);
    child.kill("SIGTERM");
    expect((await once(child, "exit"))[0], log).toBe(0);
  });
});

/** Runs the program of this repository, mounted elsewhere so that another user may read it, in a mount namespace where nothing can be written. Its process is the child itself, as in a container. */
function confined(args: string[], env: Record<string, string | undefined>) {
  const place = mkdtempSync(join(tmpdir(), "causalmesh-root-"));
  chmodSync(place, 0o755);
  onTestFinished(() => rmdirSync(place));
  const isRoot = process.getuid?.() === 0;
  const asUser = isRoot ? "setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all" : "setpriv --no-new-privs";
  const script = `
    mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && mount -o remount,bind,ro / || exit 97
    if ${asUser} touch "$2/written" 2>/dev/null || ${asUser} touch /written 2>/dev/null; then exit 98; fi
    cd "$2"; program=$3; shift 3
    exec ${asUser} "$program" "$@"`;
  const namespaces = isRoot ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
  const child = spawn("unshare", [...namespaces, "--propagation", "private", "sh", "-c", script, "sh", ROOT, place, process.execPath, ...args], {
    env: env as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
