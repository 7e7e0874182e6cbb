// For tests and benches, of checkers and of meshes.
export { legalHistory, type LegalHistoryOptions } from "./legal-history.js";
export { historyText, violationsIn, type FoundViolation } from "./violations-in.js";
