/**
 * Resource subscriptions of protocol revision 2026-07-28: a `subscriptions/listen` request names
 * the URIs and stays open until it is cancelled. The SDK answers it and routes the notifications;
 * here its acknowledgement is held until the broker has what it says, and says no more than that.
 *
 * @module
 */
import { type JSONRPCMessage, SUBSCRIPTION_ID_META_KEY } from "@modelcontextprotocol/server";
import type { Updates } from "../access/updates.ts";
import type { Logger } from "../log.ts";
import { messageTopic } from "../resources/message.ts";

const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

type Id = string | number;

/** Takes up and gives up what a host listens to. */
export class Listening {
  readonly #updates: Updates;
  readonly #log: Logger;
  /** The requests that are open. */
  readonly #open = new Set<Id>();

  constructor(updates: Updates, log: Logger) {
    this.#updates = updates;
    this.#log = log;
  }

  /** Looks at a message from the host: it may end a request. */
  received(message: JSONRPCMessage): void {
    if (!("method" in message) || message.method !== "notifications/cancelled") return;
    const id = message.params?.["requestId"];
    if (typeof id !== "string" && typeof id !== "number") return;
    if (this.#open.delete(id)) this.#updates.release(holderOf(id));
  }

  /**
   * Subscribes to what an acknowledgement names.
   *
   * @returns undefined for any other message; else the acknowledgement with the URIs that are
   * subscribed to, or nothing if the request was cancelled meanwhile.
   */
  acknowledge(message: JSONRPCMessage): Promise<JSONRPCMessage | undefined> | undefined {
    if (!("method" in message) || message.method !== ACKNOWLEDGED) return undefined;
    const { notifications = {}, _meta = {} } = (message.params ?? {}) as Acknowledged;
    const id = _meta[SUBSCRIPTION_ID_META_KEY];
    const { resourceSubscriptions: uris } = notifications;
    if (uris === undefined || typeof id !== "string" && typeof id !== "number") return undefined;
    this.#open.add(id);
    return this.#subscribe(uris, holderOf(id)).then((taken) => {
      if (!this.#open.has(id)) return undefined;
      const honored = { ...notifications, resourceSubscriptions: taken };
      return { ...message, params: { ...message.params, notifications: honored } };
    });
  }

  async #subscribe(uris: readonly string[], holder: string): Promise<string[]> {
    const taken = await Promise.all(uris.map(async (uri) => {
      try {
        const topic = messageTopic(uri);
        if (topic === undefined) return [];
        await this.#updates.subscribe(topic, { uri, holder });
        return [uri];
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        this.#log.warning(`no updates of a resource that the host wants to listen to: ${text}`);
        return [];
      }
    }));
    return taken.flat();
  }
}

interface Acknowledged {
  readonly notifications?: { readonly resourceSubscriptions?: readonly string[] };
  readonly _meta?: Readonly<Record<string, unknown>>;
}

function holderOf(id: Id): string {
  return `listen ${typeof id} ${id}`;
}
