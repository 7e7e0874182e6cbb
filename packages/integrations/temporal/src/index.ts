// For users; `interceptors` of @causalmesh/temporal/workflow are those of the workflow itself.
export { sessionActivityInterceptor, sessionClientInterceptor } from "./interceptors.js";
export type { ActivityCall, ActivitySessionInterceptor } from "./interceptors.js";
export type { ReceiveOptions } from "@causalmesh/carriers";
