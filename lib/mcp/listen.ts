/**
 * Resource subscriptions of protocol revision 2026-07-28: a `subscriptions/listen` request names
 * the URIs and stays open until it is cancelled. The SDK answers it and routes the notifications;
 * here its acknowledgement is held until the broker has what it says, and says no more than that.
 *
 * @module
 */
import { type JSONRPCMessage, SUBSCRIPTION_ID_META_KEY } from "@modelcontextprotocol/server";
import type { Session } from "../access/session.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { messageTopic } from "../resources/message.ts";
import { type Audit, clientIn, recordResource } from "./audit.ts";
import { CANCELLED, type Id, isId } from "./json_rpc.ts";

const LISTEN = "subscriptions/listen";
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/** What is listened to, and where that is told of. */
export interface ListenOptions {
  readonly session: Pick<Session, "access" | "updates">;
  readonly audit: Audit | undefined;
  readonly log: Logger;
}

/** Takes up and gives up what a host listens to. */
export class Listening {
  readonly #options: ListenOptions;
  /**
   * The requests that have arrived and not ended, and whose they are; the SDK may not have come to
   * them yet.
   */
  readonly #open = new Map<Id, string>();
  /** Their acknowledgements that are held. */
  readonly #held = new Map<Id, Promise<JSONRPCMessage | undefined>>();

  constructor(options: ListenOptions) {
    this.#options = options;
  }

  /** Looks at a message from the host: it may begin or end a request. */
  received(message: JSONRPCMessage): void {
    if (!("method" in message)) return;
    if (message.method === LISTEN && "id" in message) {
      this.#open.set(message.id, clientIn(message.params?._meta ?? {}) ?? "unknown");
    }
    if (message.method !== CANCELLED) return;
    const id = message.params?.["requestId"];
    if (!isId(id)) return;
    if (this.#open.delete(id)) this.#options.session.updates.release(holderOf(id));
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
    const { _meta = {} } = (message.params ?? {}) as Acknowledged;
    const id = _meta[SUBSCRIPTION_ID_META_KEY];
    if (!isId(id)) return undefined;
    if (message.method !== ACKNOWLEDGED) {
      return this.#held.get(id)?.then(() => this.#open.has(id) ? message : undefined);
    }
    const client = this.#open.get(id);
    if (client === undefined) return Promise.resolve(undefined);
    const about = { ...this.#options, client, holder: holderOf(id) };
    const acknowledgement = acknowledged(message, about).then((one) => {
      this.#held.delete(id);
      return this.#open.has(id) ? one : undefined;
    });
    this.#held.set(id, acknowledgement);
    return acknowledgement;
  }
}

/** Whether a body is a request that listens. */
export function isListen(body: unknown): boolean {
  return (body as { method?: unknown } | null | undefined)?.method === LISTEN;
}

/**
 * Subscribes to what an acknowledgement names.
 *
 * @returns the acknowledgement, with the URIs whose subscription is in force, or is taken up when the
 * broker is there.
 */
export async function acknowledged(
  message: JSONRPCMessage,
  { session: { access, updates }, audit, log, client, holder }: ListenOptions & {
    readonly client: string;
    readonly holder: string;
  },
): Promise<JSONRPCMessage> {
  const { params } = message as { readonly params?: Acknowledged };
  const { resourceSubscriptions: uris } = params?.notifications ?? {};
  if (uris === undefined) return message;
  const taken = await Promise.all(uris.map(async (uri) => {
    try {
      const topic = messageTopic(uri);
      if (topic === undefined) return [];
      const work = (): Promise<void> => updates.subscribe(topic, { uri, holder });
      await recordResource(work, { audit, client, method: LISTEN, uri, access });
      return [uri];
    } catch (error) {
      log.warning(`no updates of a resource that a client listens to: ${messageOf(error)}`);
      return [];
    }
  }));
  const notifications = { ...params?.notifications, resourceSubscriptions: taken.flat() };
  return { ...message, params: { ...params, notifications } } as JSONRPCMessage;
}

interface Acknowledged {
  readonly notifications?: { readonly resourceSubscriptions?: readonly string[] };
  readonly _meta?: Readonly<Record<string, unknown>>;
}

function holderOf(id: Id): string {
  return `listen ${typeof id} ${id}`;
}
