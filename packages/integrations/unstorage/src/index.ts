// For users.
export { meshDriver, meshDriver as default } from "./driver.js";
export type { MeshDriverOptions } from "./driver.js";
