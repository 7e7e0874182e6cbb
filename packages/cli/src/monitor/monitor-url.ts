// Where a node's canary says what it was told.

import { MeshError } from "@causalmesh/core";

/** Throws ADDRESS_INVALID before anything is started. */
export function checkMonitorUrl(url: string | undefined): string | undefined {
  if (url === undefined || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) return url;
  throw new MeshError("ADDRESS_INVALID", `--monitor ${JSON.stringify(url)} is no URL of a monitor; write it as http://127.0.0.1:7490`);
}
