/**
 * The resource `mcpmqtt://topics/allowed`.
 *
 * @module
 */
import { type ShownRule, showRule } from "../access/shown_rule.ts";
import type { Session } from "../access/session.ts";

/** What is granted, and where the broker is. */
export interface AllowedTopics {
  readonly topics: readonly ShownRule[];
  readonly mqtt_info: {
    readonly host: string;
    readonly port: number;
    readonly requires_auth: boolean;
  };
}

/** Puts the resource together. */
export function allowedTopics({ access }: Session): AllowedTopics {
  const { host, port, username } = access.status.address;
  return {
    topics: access.grants.permissions.rules.map(showRule),
    mqtt_info: { host, port, requires_auth: username !== undefined },
  };
}
