// For users.
export { fetchHandler, sessionFetch } from "./http.js";
export type { FetchHandlerOptions, SessionFetchOptions } from "./http.js";
export type { ReceiveOptions, SessionCarrier } from "./carrier.js";

// Carriers.
export { headerRecordCarrier, httpCarrier } from "./http.js";
export type { HeaderRecord } from "./http.js";
export { baggageCarrier } from "./baggage.js";
export { CLOUD_EVENT_ATTRIBUTE, cloudEventCarrier } from "./cloud-events.js";
export type { CloudEventLike } from "./cloud-events.js";
export { gatewayCarrier } from "./api-gateway.js";
export type { GatewayAnswer, GatewayEvent } from "./api-gateway.js";
export { STATE_FIELD, stateCarrier } from "./state.js";
export { sqsCarrier } from "./sqs.js";
export type { SqsIncoming, SqsOutgoing, SqsReceived, SqsRecord } from "./sqs.js";

// For authors of integrations.
export { carry, receive, requireTokens, worked } from "./carrier.js";
export { isTokenError } from "./http.js";
