/**
 * What was last said on each topic, to tell whether a message says anything new.
 *
 * @module
 */
import { BoundedMap } from "./bounded_map.ts";
import { digest } from "./digest.ts";
import type { Message } from "./message.ts";

/** A payload of so many bytes is remembered itself; it takes hardly more than a digest. */
const MAX_SMALL_BYTES = 128;
/** So is one of so many bytes while there is much room, which spares the digest in a flood. */
const MAX_KEPT_BYTES = 4_096;
const MUCH_ROOM = 0.5;
/** What is remembered of all topics, about, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Remembers the last message of each topic in bounded memory: the topic that was silent for longest
 * is forgotten first.
 */
export class LastByTopic {
  /** The payload itself, or the digest of payload and properties. */
  readonly #last: BoundedMap<Uint8Array | string>;

  /** @param options.maxBytes what may be remembered in all, about; default 4 MiB. */
  constructor({ maxBytes = MAX_BYTES }: { readonly maxBytes?: number } = {}) {
    this.#last = new BoundedMap(maxBytes);
  }

  /**
   * Whether payload and properties, but for the message expiry, which runs down at the broker, are
   * those of the last message of the topic. False where none is remembered.
   */
  isSame(message: Message): boolean {
    const last = this.#last.get(message.topic);
    if (last === undefined) return false;
    return typeof last === "string"
      ? last === digestOf(message)
      : isBare(message) && isEqual(last, message.payload);
  }

  /** Makes a message the last of its topic. Its payload must not change afterwards. */
  remember(message: Message): void {
    this.#last.set(message.topic, this.#isKept(message) ? message.payload : digestOf(message));
  }

  /** Whether a message is remembered by its payload itself. */
  #isKept(message: Message): boolean {
    const isCrowded = this.#last.fullness > MUCH_ROOM;
    return message.payload.length <= (isCrowded ? MAX_SMALL_BYTES : MAX_KEPT_BYTES) &&
      isBare(message);
  }
}

/** Whether nothing is compared but the payload. */
function isBare({ properties }: Message): boolean {
  if (properties === undefined) return true;
  const { messageExpiryInterval: _notCompared, ...compared } = properties;
  return Object.values(compared).every((value) => value === undefined);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The digest of all that is compared. */
function digestOf({ payload, properties = {} }: Message): string {
  const { contentType, responseTopic, correlationData, userProperties, omittedBytes } = properties;
  // JSON keeps apart where one text ends and the next begins.
  const others = JSON.stringify([
    contentType,
    responseTopic,
    // Whatever a parser made of one that was sent twice, this must not throw.
    correlationData instanceof Uint8Array ? correlationData.toBase64() : correlationData,
    userProperties && Object.entries(userProperties),
    omittedBytes,
  ]);
  return digest(`${others}\n`, payload);
}
