// For users.
export { checkHistory, type Verdict } from "./check.js";
export { readHistory, LINE_CHARACTERS_MAX } from "./read-history.js";
export { HistoryBuilder, type History } from "./history.js";
