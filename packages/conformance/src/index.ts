export type { ConformanceCase } from "./case.js";
export { storeSuite } from "./store-suite.js";
export type { StorePlace, StoreSuiteSetup } from "./store-setup.js";
export { transportSuite } from "./transport-suite.js";
export type { SilentAddress, TransportSuiteSetup } from "./transport-setup.js";
export { sessionSuite } from "./session-suite.js";
export type { SessionSuiteSetup } from "./session-suite.js";
