// CloudEvents: the session is an extension attribute, whose names have lower-case letters and digits only.

import { tokensInHeader } from "@causalmesh/core";
import type { SessionCarrier } from "./carrier.js";

/** The extension attribute that carries the session. */
export const CLOUD_EVENT_ATTRIBUTE = "causalmeshsession";

/** An event in structured form, or of the CloudEvents SDK. */
export interface CloudEventLike {
  readonly [attribute: string]: unknown;
}

/** Carries sessions in CloudEvents. An event goes one way, so what its receivers have done does not come back. */
export const cloudEventCarrier: SessionCarrier<CloudEventLike> = {
  place: `the attribute ${CLOUD_EVENT_ATTRIBUTE} of the event`,
  extract: (event) => tokensInHeader(event[CLOUD_EVENT_ATTRIBUTE] as string | undefined),
  inject: (event, token) => {
    const attribute = { [CLOUD_EVENT_ATTRIBUTE]: token };
    // The SDK's events cannot be changed, and are more than their members.
    return typeof event.cloneWith === "function" ? (event.cloneWith as (change: object) => CloudEventLike)(attribute) : { ...event, ...attribute };
  },
};
