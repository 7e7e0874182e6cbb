// For users, wherever there is fetch.
export { connectHttp } from "./connect-http.js";
export type { ConnectHttpOptions } from "./connect-http.js";

// For those who serve: `serveHttp`, on a port of Node.js, is in @causalmesh/transport-http/node.
export { httpHandler } from "./handler.js";
export type { HttpHandler, HttpHandlerOptions } from "./handler.js";
export type { ApiKey, ApiKeySource, Role } from "./api-keys.js";
export type { HttpErrorCode, ProblemCode, ProblemDetails } from "./problem.js";
export * as httpLimits from "./limits.js";

// For tools.
export { printableValue } from "./plain-json.js";
export { openApiDocument } from "./openapi.js";
