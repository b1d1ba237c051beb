/**
 * Digests, by which what is too large to be kept is known again.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "./json.ts";

/** A value whose JSON has more characters is known by its digest. */
const MAX_KEPT_LENGTH = 128;

/** The SHA-256 of bytes, or of texts in UTF-8, one after the other, in Base64. */
export function digest(...parts: ReadonlyArray<Uint8Array | string>): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("base64");
}

/** A short text that differs where values differ. */
export function fingerprintOf(value: Json): string {
  // What begins with a quotation mark is a text; no other JSON does.
  const text = typeof value === "string" ? `"${value}` : canonicalJson(value);
  return text.length <= MAX_KEPT_LENGTH ? text : digest(text);
}
