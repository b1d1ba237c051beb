/**
 * Picks values out of payloads.
 *
 * @module
 */
import { type Json, parseExactly } from "./json.ts";
import { cutJson, type FieldsShown, jsonBytes, placesOf, type ShownValues } from "./payload.ts";
import { parsePointer } from "./pointer.ts";

/** The colon and the comma beside a member of an object. */
const SEPARATOR_BYTES = 2;

/** Places in a payload, and the values that stand there. */
export class Fields implements FieldsShown {
  readonly #tokens: ReadonlyMap<string, readonly string[]>;

  /**
   * @param pointers JSON Pointers (RFC 6901)
   * @param argument the name of the argument they come from, for the error
   * @throws {McpMqttError} `invalid_argument` for what is none.
   */
  constructor(pointers: readonly string[], argument: string) {
    this.#tokens = new Map(pointers.map((one) => [one, parsePointer(one, argument)]));
  }

  /**
   * The values of a payload by their pointers, exactly as they stand in it: see
   * {@linkcode parseExactly}. What is no JSON, or too large to be parsed, has only the whole.
   */
  *of(payload: Uint8Array): Iterable<readonly [pointer: string, value: Json]> {
    const valueAt = placesOf(payload, parseExactly);
    if (valueAt === undefined) return;
    for (const [pointer, tokens] of this.#tokens) {
      const value = valueAt(tokens);
      if (value !== undefined) yield [pointer, value];
    }
  }

  /** Whether a payload has one of them. */
  isIn(payload: Uint8Array): boolean {
    for (const _one of this.of(payload)) return true;
    return false;
  }

  /** The values as a message shows them, or undefined if there is none. */
  show(payload: Uint8Array, maxBytes: number): ShownValues | undefined {
    const values: Array<[string, Json]> = [];
    let left = maxBytes;
    let isThere = false;
    let isTruncated = false;
    for (const [pointer, whole] of this.of(payload)) {
      isThere = true;
      left -= jsonBytes(pointer) + SEPARATOR_BYTES;
      const { value, isCut } = cutJson(whole, left);
      left -= jsonBytes(value);
      isTruncated ||= isCut;
      // Not even the beginning of a text finds room.
      if (left >= 0) values.push([pointer, value]);
    }
    if (!isThere) return undefined;
    return {
      values: Object.fromEntries(values),
      ...(isTruncated ? { truncated: true } : {}),
    };
  }
}
