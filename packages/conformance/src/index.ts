export type { ConformanceCase } from "./case.js";
