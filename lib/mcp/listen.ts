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

const LISTEN = "subscriptions/listen";
const CANCELLED = "notifications/cancelled";
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

type Id = string | number;

/** Takes up and gives up what a host listens to. */
export class Listening {
  readonly #updates: Updates;
  readonly #log: Logger;
  /** The requests that have arrived and not ended; the SDK may not have come to them yet. */
  readonly #open = new Set<Id>();
  /** Their acknowledgements that are held. */
  readonly #held = new Map<Id, Promise<JSONRPCMessage | undefined>>();

  constructor(updates: Updates, log: Logger) {
    this.#updates = updates;
    this.#log = log;
  }

  /** Looks at a message from the host: it may begin or end a request. */
  received(message: JSONRPCMessage): void {
    if (!("method" in message)) return;
    if (message.method === LISTEN && "id" in message) this.#open.add(message.id);
    if (message.method !== CANCELLED) return;
    const id = message.params?.["requestId"];
    if (!isId(id)) return;
    if (this.#open.delete(id)) this.#updates.release(holderOf(id));
  }

  /**
   * Subscribes to what an acknowledgement names, and holds what is to come after it.
   *
   * @returns undefined for any other message; else what is to be sent instead: the acknowledgement
   * with the URIs that are subscribed to, or nothing if the request was cancelled meanwhile.
   */
  replace(message: JSONRPCMessage): Promise<JSONRPCMessage | undefined> | undefined {
    if (!("method" in message)) {
      // It is refused, or over.
      if (message.id !== undefined) this.#open.delete(message.id);
      return undefined;
    }
    const { notifications = {}, _meta = {} } = (message.params ?? {}) as Acknowledged;
    const id = _meta[SUBSCRIPTION_ID_META_KEY];
    if (!isId(id)) return undefined;
    if (message.method !== ACKNOWLEDGED) {
      return this.#held.get(id)?.then(() => this.#open.has(id) ? message : undefined);
    }
    const { resourceSubscriptions: uris } = notifications;
    if (uris === undefined) return undefined;
    if (!this.#open.has(id)) return Promise.resolve(undefined);
    const acknowledgement = this.#subscribe(uris, holderOf(id)).then((taken) => {
      this.#held.delete(id);
      if (!this.#open.has(id)) return undefined;
      const honored = { ...notifications, resourceSubscriptions: taken };
      return { ...message, params: { ...message.params, notifications: honored } };
    });
    this.#held.set(id, acknowledgement);
    return acknowledgement;
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

function isId(id: unknown): id is Id {
  return typeof id === "string" || typeof id === "number";
}

function holderOf(id: Id): string {
  return `listen ${typeof id} ${id}`;
}
