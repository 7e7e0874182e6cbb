// What needs Node.js.
export { serveHttp } from "./serve.js";
export type { HttpServer, ServeHttpOptions } from "./serve.js";
