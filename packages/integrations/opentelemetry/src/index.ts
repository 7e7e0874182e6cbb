export { traced, type TracedOptions } from "./traced.js";
