// For tests and benches of checkers.
export { legalHistory, type LegalHistoryOptions } from "./legal-history.js";
