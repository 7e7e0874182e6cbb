// `npm test`: everything that must hold, cheapest first; stops at the first that does not.
import { spawnSync } from "node:child_process";

const STEPS = ["build", "format:check", "lint", "typecheck", "check:packages", "test:units"];

for (const step of STEPS) {
  const begin = performance.now();
  console.log(`\n── npm run ${step}`);
  const { status } = spawnSync("npm", ["run", "--silent", step], { stdio: "inherit" });
  if (status !== 0) {
    console.error(`\nnpm run ${step} failed`);
    process.exit(1);
  }
  console.log(`── ${step}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}
