/** Gives messages to a convention, and looks at what it makes of them. */
import type { Convention, Description, Entity } from "../../lib/devices/device.ts";
import type { Message } from "../../lib/messages/message.ts";

/** When the messages of a test come, in milliseconds since the epoch, if nothing else is said. */
export const RECEIVED_AT = 1_700_000_000_000;

/** A retained message. */
export function retained(topic: string, payload: string | Uint8Array = ""): Message {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return { topic, payload: bytes, qos: 1, retain: true, receivedAt: RECEIVED_AT };
}

/** Lets it take the messages. @returns how many descriptions could not be understood */
export function take(convention: Convention, ...messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + stepsOf(convention, message).faults, 0);
}

/** As {@linkcode take} for one message, with its steps, and the longest time that one took, in ms. */
export function stepsOf(
  convention: Convention,
  message: Message,
): { readonly faults: number; readonly steps: number; readonly longestMs: number } {
  const taking = convention.take(message);
  let longestMs = 0;
  for (let steps = 1;; steps++) {
    const start = performance.now();
    const { done, value } = taking.next();
    longestMs = Math.max(longestMs, performance.now() - start);
    if (done) return { faults: value, steps, longestMs };
  }
}

/** All devices by their identifiers. */
export function devicesOf(convention: Convention): Record<string, Description> {
  return Object.fromEntries([...convention.devices()].map((one) => [one.id, one]));
}

/** The entities of a device by their names. */
export function entitiesOf(device: Description | undefined): Record<string, Entity> {
  return Object.fromEntries((device?.entities ?? []).map((one) => [one.name, one]));
}
