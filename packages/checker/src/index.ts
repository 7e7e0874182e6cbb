// For users.
export { checkHistory, type Verdict } from "./check.js";
export { readHistory, LINE_CHARACTERS_MAX } from "./read-history.js";
export { ANOMALIES, storyOf, type Arrow, type Scene, type Story } from "./story.js";
export { storyText } from "./story-text.js";
export { storyPicture } from "./story-picture.js";
export { CRITERIA, type Criterion } from "./judge.js";
export { exportHistory, EXPORT_FORMATS, type ExportFormat } from "./export.js";
export type { Anomaly, Counterexample } from "./counterexample.js";

// For those who write histories.
export {
  HEADER,
  checkLine,
  type HeaderLine,
  type HistoryLine,
  type OperationLine,
  type SessionLine,
  type Status,
  type TransactionLine,
  type Value,
} from "./format.js";
export { HistoryBuilder, type History } from "./history.js";
