// A process between a test and its server: however the test's process ends, also by SIGKILL, its channel to this one closes,
// and then the server is killed and its folder removed. It is in a process group of its own, so that Ctrl-C does not end it first.
//
//   node guard.js '{"command":…,"args":[…],"folder":…,"log":…,"uid":…,"gid":…,"env":{…}}'

import { spawn } from "node:child_process";
import { openSync, rmSync } from "node:fs";
import type { GuardOrder } from "./guarded.js";

const { command, args, folder, log, env, user } = JSON.parse(process.argv[2]) as GuardOrder;
const output = openSync(log, "a");
const server = spawn(command, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ["ignore", output, output], ...user });

server.once("error", (error) => process.send?.({ failed: error.message }, () => process.exit(1)));
server.once("spawn", () => process.send?.({ pid: server.pid }));
server.once("exit", (code) => {
  if (!process.connected) rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  process.exit(code ?? 1);
});
process.once("disconnect", () => server.kill("SIGKILL"));
