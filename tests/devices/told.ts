/** Messages for a convention, and what comes of them. */
import fc from "fast-check";
import type { Convention, Description, Entity } from "../../lib/devices/device.ts";
import type { Message } from "../../lib/messages/message.ts";

/** When messages of {@linkcode told} arrive. */
export const RECEIVED_AT = Date.UTC(2026, 10, 24);

/** A message; an object is sent as its JSON. */
export function told(topic: string, payload: object | string | Uint8Array): Message {
  const bytes = payload instanceof Uint8Array
    ? payload
    : new TextEncoder().encode(typeof payload === "string" ? payload : JSON.stringify(payload));
  return { topic, payload: bytes, qos: 0, retain: true, receivedAt: RECEIVED_AT };
}

/** Gives a message to a convention; returns how many descriptions it could not understand. */
export function take(convention: Convention, message: Message): number {
  const work = convention.take(message);
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** Gives several; returns the sum. */
export function takeAll(convention: Convention, messages: Iterable<Message>): number {
  let unparsed = 0;
  for (const message of messages) unparsed += take(convention, message);
  return unparsed;
}

/** The device that has an identifier. */
export function deviceOf(convention: Convention, id: string): Description {
  const found = [...convention.devices()].find((device) => device.id === id);
  if (found === undefined) throw new Error(`There is no device ${id}`);
  return found;
}

/** The entities that have a name, as in `State`. */
export function entitiesOf(device: Description, name: string): Entity[] {
  return device.entities.filter((entity) => entity.name === name);
}

/** The entity that has a name and is the only one. */
export function entityOf(device: Description, name: string): Entity {
  const [entity, ...others] = entitiesOf(device, name);
  if (entity === undefined || others.length > 0) {
    throw new Error(`There is no ${name}, or several: ${device.entities.map(({ name }) => name)}`);
  }
  return entity;
}

/** JSON of objects whose names are among those that a description might have. */
export function jsonLike(names: readonly string[]): fc.Arbitrary<unknown> {
  const key = fc.constantFrom(...names, "__proto__", "constructor", "toString", "length");
  const leaf = fc.oneof(
    fc.constantFrom(...names),
    fc.string(),
    fc.constantFrom(
      0,
      1,
      2,
      3,
      7,
      -1,
      1e308,
      true,
      false,
      null,
      "",
      "a/b",
      "\u0000",
      "\u202e",
      "+",
    ),
  );
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "medium" },
      leaf,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie("value")), { maxLength: 6 }).map((members) =>
        Object.fromEntries(members)
      ),
    ),
  })).value;
}

/** Payloads that are not meant well; none may be believed, take long or throw. */
export const HOSTILE: ReadonlyMap<string, Uint8Array> = new Map(
  Object.entries({
    "no UTF-8": new Uint8Array([0x5B, 0xFF, 0x5D]),
    "binary": new Uint8Array(1_000).map((_, at) => at % 256),
    "deep arrays": "[".repeat(100_000),
    "deep objects": '{"a":'.repeat(100_000),
    "half an object": '{"friendly_name":"a","ieee_addr',
    "a number": "1",
    "null": "null",
    "a text": '"a"',
    "an empty array in an array": "[[]]",
    "elements missing": "[,,,]",
    "a million commas": `[${",".repeat(1_000_000)}`,
    "a long text": `["${"a".repeat(5_000_000)}"]`,
    "brackets that do not fit": "[}}}]",
    "spaces": " ".repeat(100_000),
  }).map(([name, payload]) => [
    name,
    typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
  ]),
);
