/**
 * One network connection to a broker, from CONNECT to its end. It is never re-used: whoever wants
 * to be connected again opens another one, so nothing of an old session is sent twice.
 *
 * This is the only file that imports mqtt.js, and it does so when the first connection is opened.
 *
 * @module
 */
import type { IClientOptions, IPublishPacket, MqttClient, Packet } from "mqtt";
import type { Message, MessageProperties, QoS } from "./message.ts";
import { LinkError } from "./link_error.ts";

/** The two protocol versions, by the names of the configuration. */
export type ProtocolVersion = "5" | "3.1.1";

/** Where and how to connect. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly transport: "tcp" | "tls" | "ws" | "wss";
  /** For `ws` and `wss`. */
  readonly path: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly keepaliveSeconds: number;
  readonly tls: TlsOptions;
}

/** PEM texts, and how the broker's certificate is checked. */
export interface TlsOptions {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly keyPassphrase: string | undefined;
  readonly serverName: string | undefined;
  readonly verify: boolean;
}

/** What {@linkcode openLink} needs to know. */
export interface LinkOptions {
  readonly address: BrokerAddress;
  readonly clientId: string;
  readonly protocolVersion: ProtocolVersion;
  /** How long the broker may take to accept the connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Called for each PUBLISH, in the order of arrival. */
  readonly onMessage: (message: Message) => void;
  readonly signal: AbortSignal;
}

/** What the broker said it takes, MQTT 5.0 §3.2.2.3; the defaults stand for what it did not say. */
export interface BrokerLimits {
  readonly receiveMaximum: number;
  readonly maximumQos: QoS;
  readonly retainAvailable: boolean;
  /** Bytes of one packet; undefined where there is no limit. */
  readonly maximumPacketSize: number | undefined;
}

/** A message on its way out. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** MQTT 5 only. */
  readonly properties?: MessageProperties;
  /** The payload is UTF-8 text: Payload Format Indicator, §3.3.2.3.2. */
  readonly isText: boolean;
}

/** How a link ended. */
export interface LinkEnd {
  /** The reason code of the broker's DISCONNECT, where it sent one. */
  readonly reasonCode: number | undefined;
  readonly cause: string;
}

/**
 * Every subscription asks for QoS 2, so that a message arrives with the QoS it was published with
 * and the link to the broker is never what loses or doubles it.
 */
const SUBSCRIPTION_QOS = 2;

/** How long the broker may take to close after a DISCONNECT, in milliseconds. */
const END_TIMEOUT_MS = 500;

/**
 * Opens a connection and waits for the CONNACK.
 *
 * @throws {LinkError} with what went wrong, in words for the person who runs the program.
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { address, signal } = options;
  const permission = await Deno.permissions.query({
    name: "net",
    host: `${bracketed(address.host)}:${address.port}`,
  });
  if (permission.state !== "granted") {
    throw new LinkError(
      "denied",
      `the program may not connect to ${address.host}:${address.port}; run it with --allow-net for that address`,
    );
  }
  const { default: mqtt } = await import("mqtt");
  signal.throwIfAborted();
  const client = mqtt.connect(clientOptions(options));
  try {
    const connack = await connected(client, options);
    return new Link(client, options, brokerLimits(connack));
  } catch (error) {
    client.end(true);
    throw error;
  }
}

/** A connection that the broker has accepted. */
export class Link {
  readonly protocolVersion: ProtocolVersion;
  readonly limits: BrokerLimits;
  /** Settles when the connection is over, whoever ended it. Never rejects. */
  readonly ended: Promise<LinkEnd>;
  readonly #client: MqttClient;
  #isOpen = true;

  constructor(client: MqttClient, options: LinkOptions, limits: BrokerLimits) {
    this.#client = client;
    this.protocolVersion = options.protocolVersion;
    this.limits = limits;
    const { promise, resolve } = Promise.withResolvers<LinkEnd>();
    let reasonCode: number | undefined;
    let cause = "the broker closed the connection";
    this.ended = promise;
    client.on("message", (topic, payload, packet) => {
      options.onMessage(toMessage(topic, payload, packet));
    });
    client.on("error", (error) => {
      cause = LinkError.from(error, options.address).message;
    });
    client.on("disconnect", (packet) => {
      reasonCode = packet.reasonCode;
    });
    client.on("close", () => {
      this.#isOpen = false;
      client.end(true);
      resolve({ reasonCode, cause });
    });
  }

  /** False as soon as the end of the connection has been noticed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Sends a PUBLISH. At QoS 0 it settles when the packet has been handed to the operating system,
   * else with the broker's acknowledgement. Never settles after the link has ended: race it with
   * {@linkcode Link.ended}.
   *
   * @returns the reason code of the PUBACK, PUBREC or PUBCOMP; 0 at QoS 0.
   */
  publish(publication: Publication): Promise<number> {
    const { topic, payload, qos, retain } = publication;
    const properties = this.protocolVersion === "5" ? publishProperties(publication) : undefined;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    // mqtt.js passes a view on without copying it.
    const body = new Uint8Array(payload) as unknown as Parameters<MqttClient["publish"]>[1];
    this.#client.publish(
      topic,
      body,
      { qos, retain, ...(properties === undefined ? {} : { properties }) },
      (error, packet) => {
        const code = (error as { code?: unknown } | null)?.code ?? reasonCodeOf(packet);
        if (typeof code === "number") resolve(code);
        else if (error) reject(error);
        else resolve(0);
      },
    );
    return qos === 0 ? promise.then((code) => this.#flushed().then(() => code)) : promise;
  }

  /**
   * Sends one SUBSCRIBE for all of `filters`. `retained` says whether retained messages are wanted:
   * Retain Handling 0 or 2, §3.8.3.1; in MQTT 3.1.1 they always come.
   *
   * @returns the SUBACK's reason code for each, in the same order.
   */
  subscribe(filters: readonly string[], retained: boolean): Promise<readonly number[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    const options = this.protocolVersion === "5"
      ? { qos: SUBSCRIPTION_QOS, nl: false, rap: false, rh: retained ? 0 : 2 } as const
      : { qos: SUBSCRIPTION_QOS } as const;
    this.#client.subscribe([...filters], options, (error, _granted, packet) => {
      // mqtt.js reports one refusal as an error for all; the packet tells them apart.
      const codes = packet?.granted as readonly (number | { readonly qos: number })[] | undefined;
      if (codes === undefined || codes.length !== filters.length) {
        reject(error ?? new Error("the SUBACK does not answer the SUBSCRIBE"));
      } else {
        resolve(codes.map((code) => typeof code === "number" ? code : code.qos));
      }
    });
    return promise;
  }

  /** Sends an UNSUBSCRIBE and waits for its acknowledgement. */
  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#client.unsubscribeAsync([...filters]);
  }

  /** Sends a DISCONNECT and closes the connection, within half a second. */
  async end(): Promise<void> {
    if (!this.#isOpen) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#client.end(true);
      resolve();
    }, END_TIMEOUT_MS);
    // mqtt.js waits for acknowledgements that are still outstanding unless they are taken away.
    for (const id of Object.keys(outgoingOf(this.#client))) {
      this.#client.removeOutgoingMessage(Number(id));
    }
    this.#client.end(false, {}, () => resolve());
    await Promise.race([promise, this.ended]);
    clearTimeout(timer);
    await this.ended;
  }

  /** Settles when nothing written is left in this process. */
  async #flushed(): Promise<void> {
    const stream = this.#client.stream as { readonly writableLength?: number };
    for (let waitMs = 0; (stream.writableLength ?? 0) > 0;) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (!this.#isOpen) throw new Error("the connection was lost before the packet was written");
      waitMs = Math.min(waitMs + 1, 20);
    }
  }
}

function clientOptions({ address, ...options }: LinkOptions): IClientOptions {
  const secure = address.transport === "tls" || address.transport === "wss";
  const { ca, cert, key, keyPassphrase, serverName, verify } = address.tls;
  return {
    protocol: ({ tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" } as const)[address.transport],
    host: address.host,
    hostname: bracketedForUrl(address),
    port: address.port,
    path: address.path,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    keepalive: address.keepaliveSeconds,
    clientId: options.clientId,
    clean: true,
    protocolVersion: options.protocolVersion === "5" ? 5 : 4,
    connectTimeout: options.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: "native",
    ...(secure
      ? {
        rejectUnauthorized: verify,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(keyPassphrase === undefined ? {} : { passphrase: keyPassphrase }),
        ...(serverName === undefined ? {} : { servername: serverName }),
      }
      : {}),
  };
}

/** Waits for the CONNACK. */
function connected(client: MqttClient, options: LinkOptions): Promise<Packet> {
  const { promise, resolve, reject } = Promise.withResolvers<Packet>();
  const { address, signal, connectTimeoutMs } = options;
  const onAbort = (): void => reject(signal.reason);
  const onConnect = (packet: Packet): void => resolve(packet);
  const onError = (error: unknown): void => reject(LinkError.from(error, address));
  const onClose = (): void =>
    reject(new LinkError("closed", "the broker closed the connection without accepting it"));
  // mqtt.js begins its own clock only when the stream is there; a name that does not resolve or a
  // host that swallows packets must not take longer.
  const timer = setTimeout(() => {
    reject(
      new LinkError(
        "timeout",
        `the broker at ${address.host}:${address.port} did not answer within ${
          connectTimeoutMs / 1000
        } s`,
      ),
    );
  }, connectTimeoutMs);
  signal.addEventListener("abort", onAbort, { once: true });
  client.once("connect", onConnect).once("error", onError).once("close", onClose);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    client.off("connect", onConnect).off("error", onError).off("close", onClose);
  });
}

function brokerLimits(connack: Packet): BrokerLimits {
  const properties = (connack as {
    properties?: {
      receiveMaximum?: number;
      maximumQoS?: number;
      retainAvailable?: boolean;
      maximumPacketSize?: number;
    };
  }).properties ?? {};
  return {
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    maximumQos: properties.maximumQoS === 0 ? 0 : properties.maximumQoS === 1 ? 1 : 2,
    retainAvailable: properties.retainAvailable ?? true,
    maximumPacketSize: properties.maximumPacketSize,
  };
}

function toMessage(topic: string, payload: Uint8Array, packet: IPublishPacket): Message {
  const properties = messageProperties(packet.properties);
  return {
    topic,
    // A copy: the parser's view would keep a whole read buffer alive.
    payload: new Uint8Array(payload),
    qos: packet.qos,
    retain: packet.retain,
    receivedAt: Date.now(),
    ...(properties === undefined ? {} : { properties }),
  };
}

function messageProperties(from: IPublishPacket["properties"]): MessageProperties | undefined {
  if (from === undefined) return undefined;
  const { contentType, responseTopic, correlationData, userProperties, messageExpiryInterval } =
    from;
  const properties: MessageProperties = {
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: new Uint8Array(correlationData) }),
    ...(userProperties === undefined ? {} : { userProperties: { ...userProperties } }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpiryInterval }),
  };
  return Object.keys(properties).length === 0 ? undefined : properties;
}

function publishProperties(
  { properties = {}, isText }: Publication,
): NonNullable<IPublishPacket["properties"]> {
  const { correlationData, userProperties, ...same } = properties;
  return {
    ...(isText ? { payloadFormatIndicator: true } : {}),
    ...same,
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
    ...(userProperties === undefined ? {} : {
      userProperties: Object.fromEntries(
        Object.entries(userProperties).map(([name, value]) => [
          name,
          typeof value === "string" ? value : [...value],
        ]),
      ),
    }),
  };
}

function reasonCodeOf(packet: unknown): number | undefined {
  return (packet as { reasonCode?: number } | undefined)?.reasonCode;
}

function outgoingOf(client: MqttClient): Record<string, unknown> {
  return (client as unknown as { outgoing?: Record<string, unknown> }).outgoing ?? {};
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The host as mqtt.js wants it: in brackets where it writes a URL of it. */
function bracketedForUrl({ host, transport }: BrokerAddress): string {
  return transport === "ws" || transport === "wss" ? bracketed(host) : host;
}
