/**
 * Paths of files in the checkout.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** The path of a `file:` URL on this system. */
export function fromFileUrl(url: URL): string {
  return fileURLToPath(url);
}
