// Folders for stores under test.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), "causalmesh-lmdb-"));
}
