// For users: what a program observes of itself.
export { observed, type ObservedOptions } from "./observed.js";
export { postLines, type LinePoster, type PostOptions } from "./post-lines.js";

// For those who judge it.
export { Monitor, WINDOW_OPERATIONS_DEFAULT, type Finding, type MonitorNumbers, type MonitorOptions } from "./monitor.js";
