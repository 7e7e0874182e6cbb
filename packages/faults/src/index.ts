export { crashRounds, type CrashOptions, type CrashReport } from "./crash-rounds.js";
export { DATABASES, openDatabase, openStore, type Database } from "./database.js";
export { MeshProcesses } from "./node-process.js";
export { Recording } from "./recording.js";
export { Workflow, type WorkflowOptions } from "./workflow.js";
export { TcpProxy } from "./tcp-proxy.js";
export { counted, type CountedStore } from "./counted-store.js";
export { seedFrom } from "./seed.js";
