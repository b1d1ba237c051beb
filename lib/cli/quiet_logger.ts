/**
 * A log for commands that say themselves what happens.
 *
 * @module
 */
import type { Logger } from "../log.ts";

/** Writes nothing. */
export const quietLogger: Logger = {
  debug() {},
  info() {},
  warning() {},
  error() {},
  critical() {},
};
