/**
 * Resource subscriptions of protocol revision 2026-07-28: a `subscriptions/listen` request names
 * the URIs and stays open until it is cancelled. The SDK answers it; what has to be subscribed at
 * the broker is read off the messages as they pass.
 *
 * @module
 */
import { type JSONRPCMessage, PROTOCOL_VERSION_META_KEY } from "@modelcontextprotocol/server";
import type { Logger } from "../log.ts";
import { messageTopic } from "../resources/message.ts";
import type { Session } from "../resources/session.ts";

/** Looks at a message from the host, and takes up or gives up resource subscriptions. */
export function observeListen(
  message: JSONRPCMessage,
  { session, log }: { readonly session: Session; readonly log: Logger },
): void {
  if (!("method" in message)) return;
  if (message.method === "subscriptions/listen" && "id" in message) {
    for (const uri of listenedUris(message.params)) {
      try {
        const topic = messageTopic(uri);
        if (topic !== undefined) session.updates.subscribe(topic, uri, holder(message.id));
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        log.warning(`no updates of a resource that the host listens to: ${text}`);
      }
    }
  }
  if (message.method === "notifications/cancelled") {
    const id = message.params?.["requestId"];
    if (typeof id === "string" || typeof id === "number") session.updates.release(holder(id));
  }
}

function holder(id: string | number): string {
  return `listen ${typeof id} ${id}`;
}

function listenedUris(params: unknown): readonly string[] {
  const { notifications, _meta = {} } = (params ?? {}) as {
    notifications?: { resourceSubscriptions?: unknown };
    _meta?: Record<string, unknown>;
  };
  // Hosts of the earlier revisions do not have this request, and the SDK refuses it to them.
  if (!(PROTOCOL_VERSION_META_KEY in _meta)) return [];
  const uris = notifications?.resourceSubscriptions;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === "string") : [];
}
