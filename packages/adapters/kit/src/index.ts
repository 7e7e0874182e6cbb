export { Calls, closedError, type CallsOptions } from "./calls.js";
export { joined } from "./counters.js";
export { damagedRow, otherFormat, storeError, textOf, type ErrorRule, type ErrorText } from "./errors.js";
export { versionOrProblem, type Inspection } from "./inspection.js";
export { lazily, withPauses, type Lazy } from "./lazily.js";
export { checkPrefix, checkTimeoutMs, checkWhole } from "./options.js";
export { withRetries } from "./retries.js";
export { copyRow, partsOf, wins, type PartBounds } from "./rows.js";
