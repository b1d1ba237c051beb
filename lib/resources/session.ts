/**
 * What one client of the server has at hand: the broker as it may use it, and what runs for it.
 *
 * @module
 */
import type { Access } from "../access/access.ts";
import type { Watches } from "../access/watches.ts";
import type { Updates } from "./updates.ts";

/** One client. */
export interface Session {
  readonly access: Access;
  readonly watches: Watches;
  readonly updates: Updates;
  /** The file the grants were read from; undefined where there is none. */
  readonly configSource: string | undefined;
}
