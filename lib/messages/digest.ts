/**
 * Digests, by which what is too large to be kept is known again.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** The SHA-256 of bytes, or of texts in UTF-8, one after the other, in Base64. */
export function digest(...parts: ReadonlyArray<Uint8Array | string>): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("base64");
}
