/** Messages of Sparkplug B, and what they come to. */
import type { Entity } from "../../lib/devices/device.ts";
import type { Json } from "../../lib/messages/json.ts";
import type { Message } from "../../lib/messages/message.ts";
import { encodeSparkplug } from "../../lib/messages/sparkplug_encode.ts";
import { RECEIVED_AT } from "./taking.ts";

/** Metrics as they are shown. */
export type Metrics = ReadonlyArray<{ readonly [key: string]: Json }>;

/** A message of Sparkplug B that is heard as it is sent. */
export function live(path: string, metrics: Metrics, more: object = {}): Message {
  const payload = encodeSparkplug({ timestamp: 1, metrics }, undefined);
  return { ...bytes(path, payload), ...more };
}

/** One whose payload is taken as it is. */
export function bytes(path: string, payload: Uint8Array): Message {
  return { topic: `spBv1.0/${path}`, payload, qos: 0, retain: false, receivedAt: RECEIVED_AT };
}

/** A certificate that the broker keeps. */
export function certificate(path: string, metrics: Metrics, timestamp = 1): Message {
  return {
    ...live(path, []),
    topic: `$sparkplug/certificates/spBv1.0/${path}`,
    payload: encodeSparkplug({ timestamp, metrics }, undefined),
    retain: true,
  };
}

/** One metric of a node or device. */
export const level = (value: Json): Metrics => [{ name: "Level", type: "Int32", value }];
/** The number of a session. */
export const bdSeq = (value: number): Metrics => [{ name: "bdSeq", type: "Int64", value }];

/** The entity that asks the node `g/n` for its births. */
export const REBIRTH: Entity = {
  name: "Node Control/Rebirth",
  kind: "button",
  isMinor: true,
  writes: [{
    topic: "spBv1.0/g/NCMD/n",
    payload: "json",
    encoding: "sparkplug",
    values: {
      press: { metrics: [{ name: "Node Control/Rebirth", type: "Boolean", value: true }] },
    },
  }],
};
