/**
 * An application message as it arrived, before anything is decided about how it is shown.
 *
 * @module
 */

/** Quality of Service, MQTT 5.0 §4.3. */
export type QoS = 0 | 1 | 2;

/** The properties of a PUBLISH that mean something to an application, MQTT 5.0 §3.3.2.3. */
export interface MessageProperties {
  /** §3.3.2.3.9 */
  readonly contentType?: string;
  /** §3.3.2.3.5 */
  readonly responseTopic?: string;
  /** §3.3.2.3.6 */
  readonly correlationData?: Uint8Array;
  /**
   * §3.3.2.3.7; a name may stand more than once, then its values are a list in their order. There is
   * at least one name, and each list has at least one value.
   */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>;
  /** Seconds, §3.3.2.3.3. */
  readonly messageExpiryInterval?: number;
  /** The bytes of user properties that were too large to be kept. */
  readonly omittedBytes?: number;
}

/** One message received from the broker. */
export interface Message {
  /** The topic name. */
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The QoS it was delivered with: the lower of the publisher's and the subscription's. */
  readonly qos: QoS;
  /** True only for a retained message, sent because of a new subscription [MQTT-3.3.1-8]. */
  readonly retain: boolean;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly properties?: MessageProperties;
}

/** What the objects of a message take in memory, about, in bytes. */
const MESSAGE_OVERHEAD_BYTES = 400;
/** What each value of a property takes beside its text, about, in bytes. */
const VALUE_OVERHEAD_BYTES = 64;

/** What a message takes in memory, in bytes: no less than its payload, topic name and properties. */
export function heldBytes(message: Message): number {
  return MESSAGE_OVERHEAD_BYTES + 2 * message.topic.length + contentBytes(message);
}

/** What payload and properties take of that. */
export function contentBytes({ payload, properties }: Message): number {
  return payload.length + (properties === undefined ? 0 : propertySize(properties).heldBytes);
}

/** How large properties are, found out without writing them. */
export interface PropertySize {
  /** The characters of their texts and the bytes of their binary data: the least that showing takes. */
  readonly shownBytes: number;
  /** What they take in memory, about. */
  readonly heldBytes: number;
}

/** Measures properties. */
export function propertySize(properties: MessageProperties): PropertySize {
  let values = 0;
  let characters = 0;
  let binaryBytes = 0;
  // Of unknown kinds: a property that was sent twice is a list, and this counts those too.
  const measure = (value: unknown): void => {
    values++;
    if (typeof value === "string") {
      characters += value.length;
    } else if (value instanceof Uint8Array) {
      binaryBytes += value.length;
    } else if (Array.isArray(value)) {
      for (const item of value) measure(item);
    } else if (typeof value === "object" && value !== null) {
      for (const [name, item] of Object.entries(value)) {
        characters += name.length;
        measure(item);
      }
    }
  };
  const { correlationData, contentType, responseTopic, userProperties } = properties;
  for (const value of [correlationData, contentType, responseTopic, userProperties]) {
    if (value !== undefined) measure(value);
  }
  return {
    shownBytes: characters + binaryBytes,
    heldBytes: 2 * characters + binaryBytes + VALUE_OVERHEAD_BYTES * values,
  };
}
