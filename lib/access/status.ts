/**
 * The state of everything, as `mqtt_status` and `mcpmqtt://status` show it.
 *
 * @module
 */
import type { Access } from "./access.ts";
import { given } from "../messages/json.ts";
import { jsonBytes } from "../messages/payload.ts";
import type { ShownRule } from "./shown_rule.ts";
import { showRule } from "./shown_rule.ts";
import type { Watches } from "./watches.ts";

/** What `mqtt_status` gives. */
export type ShownStatus = {
  connected: boolean;
  broker: { url: string; protocol_version: string | null; client_id: string };
  connected_since?: string;
  disconnected_since?: string;
  reconnects: number;
  last_error?: string;
  /** How many messages were not taken, because they were larger than limits.max_message_bytes. */
  messages_too_large?: number;
  watches: Array<{ watch_id: string; filters: string[]; received: number; dropped: number }>;
  limits: Record<string, number>;
  grants: ShownRule[];
  read_only: boolean;
  /** How many grants found no room, and where they are. */
  grants_omitted?: number;
  hint?: string;
};

/** How long a status asked for right after the start waits for the first attempt to connect. */
const FIRST_ATTEMPT_MS = 1_000;
/** How many filters are shown of one watch. */
const MAX_WATCH_FILTERS = 20;

const SCHEMES = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" } as const;

/** The address of the broker, without credentials: the query of a WebSocket path may hold some. */
export function brokerUrl({ address }: Access["status"]): string {
  const { host, port, transport, path } = address;
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const isWebSocket = transport === "ws" || transport === "wss";
  return `${SCHEMES[transport]}://${authority}${isWebSocket ? path.replace(/[?#].*$/s, "") : ""}`;
}

/**
 * Puts the status together. Right after the start it waits for the first attempt to connect, one
 * second at most.
 */
export async function showStatus(
  access: Access,
  watches: Watches,
  signal: AbortSignal,
): Promise<ShownStatus> {
  // Who asks again and again until it is back is not to wait for the end of a long delay.
  access.wantFor();
  await access.firstAttempt({ waitMs: FIRST_ATTEMPT_MS, signal });
  const { permissions, limits } = access.grants;
  const shown = showState(access, watches);
  let left = limits.maxResultBytes - jsonBytes(shown);
  for (const rule of permissions.rules) {
    const one = showRule(rule);
    left -= jsonBytes(one) + 1;
    if (left < 0) break;
    shown.grants.push(one);
  }
  const omitted = permissions.rules.length - shown.grants.length;
  return omitted === 0 ? shown : {
    ...shown,
    grants_omitted: omitted,
    hint: "the resource mcpmqtt://topics/allowed has all grants",
  };
}

function isoTime(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new Date(epochMs).toISOString();
}

/** All but the grants. */
function showState({ status, grants }: Access, watches: Watches): ShownStatus {
  const { limits } = grants;
  return {
    connected: status.isConnected,
    broker: {
      url: brokerUrl(status),
      protocol_version: status.protocolVersion ?? null,
      client_id: status.clientId,
    },
    ...given({
      connected_since: isoTime(status.connectedSince),
      disconnected_since: isoTime(status.disconnectedSince),
    }),
    reconnects: status.reconnects,
    ...given({ last_error: status.lastError, messages_too_large: status.tooLarge || undefined }),
    watches: watches.list().map(({ id, filters, received, dropped }) => ({
      watch_id: id,
      filters: filters.slice(0, MAX_WATCH_FILTERS),
      received,
      dropped,
    })),
    limits: {
      max_timeout: limits.maxTimeoutMs / 1000,
      max_messages: limits.maxMessages,
      max_result_bytes: limits.maxResultBytes,
      payload_preview_bytes: limits.payloadPreviewBytes,
      max_publish_bytes: limits.maxPublishBytes,
      publish_per_minute: limits.publishPerMinute,
      max_watches: limits.maxWatches,
      watch_buffer_messages: limits.watchBufferMessages,
      watch_buffer_bytes: limits.watchBufferBytes,
      max_message_bytes: limits.maxMessageBytes,
    },
    grants: [],
    read_only: grants.readOnly,
  };
}
