/** aedes, the MQTT 3.1.1 broker, in the process of the test. */

import type { AedesOptions, AedesPublishPacket, AuthenticateError, Client } from "aedes";
import { type DemoBroker, startDemoBroker } from "../../demo/broker.ts";
import type { TestBroker } from "./broker.ts";
import { holdPort } from "./ports.ts";

/** What the broker is to refuse; each is asked for each packet. */
export interface AedesBrokerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** True refuses the connection with return code 5, "not authorized". */
  readonly refuseConnection?: (clientId: string, username: string | undefined) => boolean;
  /** True answers the filter with 0x80 in the SUBACK. */
  readonly refuseSubscription?: (filter: string, clientId: string) => boolean;
  /** True closes the publisher's connection, as a 3.1.1 broker may [MQTT-3.3.5-2]. */
  readonly refusePublish?: (topic: string, clientId: string) => boolean;
  /** True drops the message silently on its way to one subscriber. */
  readonly dropForward?: (topic: string, clientId: string) => boolean;
  /** Further options, as aedes takes them. */
  readonly aedes?: AedesOptions;
}

/** aedes with what tests ask of it. */
export interface AedesBroker extends TestBroker {
  readonly name: "aedes";
  /** Messages that clients have published since the start, by topic name; wills included. */
  publishCounts(): ReadonlyMap<string, number>;
  /** The messages that clients have published since the start. */
  readonly published: readonly AedesPublishPacket[];
  /** Publishes from inside the broker, which {@linkcode publishCounts} leaves out. */
  publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<void>;
  /** Closes the connection of one client. */
  disconnect(clientId: string): Promise<void>;
}

/** How often a broker tries to have its port again. */
const RESTART_ATTEMPTS = 10;

/** Starts aedes on a free port of the loopback. */
export async function startAedes(options: AedesBrokerOptions = {}): Promise<AedesBroker> {
  const connected = new Set<HeldClient>();
  const published: AedesPublishPacket[] = [];
  const subscribed = new Map<string, number>();
  using stack = new DisposableStack();
  const port = options.port ?? stack.use(holdPort()).port;
  let broker = await start(port);
  const { host } = broker;
  const belongings = stack.move();

  async function start(onPort: number): Promise<DemoBroker> {
    const started = await listening(onPort);
    started.aedes.on("clientReady", (client) => connected.add(client as HeldClient));
    started.aedes.on("clientDisconnect", (client) => connected.delete(client as HeldClient));
    started.aedes.on("subscribe", (subscriptions, client) => {
      if (!client) return;
      for (const { topic } of subscriptions) {
        subscribed.set(topic, (subscribed.get(topic) ?? 0) + 1);
      }
    });
    started.aedes.on("publish", (packet, client) => {
      if (client) published.push(packet);
    });
    return started;
  }

  /** After a restart the system may take a moment to give the port back. */
  async function listening(onPort: number): Promise<DemoBroker> {
    for (let attempt = 1;; attempt++) {
      try {
        return await startDemoBroker({ port: onPort, aedes: aedesOptions(options) });
      } catch (error) {
        const isTaken = (error as { code?: unknown }).code === "EADDRINUSE";
        if (!isTaken || attempt === RESTART_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20 * attempt));
      }
    }
  }

  async function kill(): Promise<void> {
    await broker.close();
    connected.clear();
  }

  async function close(): Promise<void> {
    await kill();
    belongings.dispose();
  }

  return {
    name: "aedes",
    host,
    port,
    url: `mqtt://${host}:${port}`,
    published,
    subscriptions: () =>
      [...connected].flatMap(({ subscriptions }) => Object.keys(subscriptions)).sort(),
    clients: () => [...connected].map(({ id }) => id).sort(),
    subscribeCounts: () => subscribed,
    publishCounts: () => countBy(published.map(({ topic }) => topic)),
    publish: (topic, payload, publishOptions) => broker.publish(topic, payload, publishOptions),
    async disconnect(clientId): Promise<void> {
      const client = [...connected].find(({ id }) => id === clientId);
      if (!client) throw new Error(`No client ${clientId} is connected`);
      await new Promise<void>((resolve) => client.close(resolve));
    },
    kill,
    async restart(): Promise<void> {
      await kill();
      broker = await start(port);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** `subscriptions` is what aedes itself goes by; its typings leave it out. */
type HeldClient = Client & { readonly subscriptions: Readonly<Record<string, unknown>> };

function aedesOptions(options: AedesBrokerOptions): AedesOptions {
  const { refuseConnection, refuseSubscription, refusePublish, dropForward } = options;
  return {
    ...options.aedes,
    ...(refuseConnection && {
      authenticate: (client, username, _password, done): void => {
        if (refuseConnection(client.id, username)) {
          const error: AuthenticateError = Object.assign(new Error("refused by the test"), {
            returnCode: 5,
          });
          done(error, false);
        } else {
          done(null, true);
        }
      },
    }),
    ...(refuseSubscription && {
      authorizeSubscribe: (client, subscription, done): void =>
        done(null, refuseSubscription(subscription.topic, client.id) ? null : subscription),
    }),
    ...(refusePublish && {
      authorizePublish: (client, packet, done): void =>
        client && refusePublish(packet.topic, client.id)
          ? done(new Error("refused by the test"))
          : done(null),
    }),
    ...(dropForward && {
      authorizeForward: (client, packet): AedesPublishPacket | null =>
        dropForward(packet.topic, client.id) ? null : packet,
    }),
  };
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
