/**
 * The state of everything, as `mqtt_status` and `mcpmqtt://status` show it.
 *
 * @module
 */
import type { GrantedConnection } from "./granted_connection.ts";
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
  watches: Array<{ watch_id: string; filters: string[]; received: number; dropped: number }>;
  limits: Record<string, number>;
  grants: ShownRule[];
  read_only: boolean;
};

const SCHEMES = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" } as const;

/** The address of the broker, without credentials. */
export function brokerUrl({ address }: GrantedConnection["status"]): string {
  const { host, port, transport, path } = address;
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const isWebSocket = transport === "ws" || transport === "wss";
  return `${SCHEMES[transport]}://${authority}${isWebSocket ? path : ""}`;
}

/** Puts the status together. */
export function showStatus(broker: GrantedConnection, watches: Watches): ShownStatus {
  const { status, grants } = broker;
  const { limits } = grants;
  return {
    connected: status.isConnected,
    broker: {
      url: brokerUrl(status),
      protocol_version: status.protocolVersion ?? null,
      client_id: status.clientId,
    },
    ...(status.connectedSince === undefined
      ? {}
      : { connected_since: new Date(status.connectedSince).toISOString() }),
    ...(status.disconnectedSince === undefined
      ? {}
      : { disconnected_since: new Date(status.disconnectedSince).toISOString() }),
    reconnects: status.reconnects,
    ...(status.lastError === undefined ? {} : { last_error: status.lastError }),
    watches: watches.list().map(({ id, filters, received, dropped }) => ({
      watch_id: id,
      filters: [...filters],
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
    },
    grants: grants.permissions.rules.map(showRule),
    read_only: grants.readOnly,
  };
}
