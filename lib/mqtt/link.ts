/**
 * One network connection to a broker, from CONNECT to its end. It is never re-used: whoever wants
 * to be connected again opens another one, so nothing of an old session is sent twice.
 *
 * This is the only file that imports mqtt.js, and it does so when the first connection is opened.
 *
 * @module
 */
import type { IClientOptions, IPublishPacket, MqttClient, Packet } from "mqtt";
import type { Message, MessageProperties, QoS } from "../messages/message.ts";
import { type BrokerLimits, brokerLimits } from "./broker_limits.ts";
import { closedUnaccepted } from "./faults.ts";
import { LinkError } from "./link_error.ts";
import type { Pacer } from "./pacer.ts";
import { Pings } from "./pings.ts";
import { NO_MATCHING_SUBSCRIBERS } from "./reason_codes.ts";
import { messageProperties, publishProperties } from "./properties.ts";
import { bracketed, type BrokerAddress, transportOptions } from "./transport_options.ts";

export type { BrokerLimits } from "./broker_limits.ts";
export type { BrokerAddress } from "./transport_options.ts";

/** The two protocol versions, by the names of the configuration. */
export type ProtocolVersion = "5" | "3.1.1";

/** What {@linkcode openLink} needs to know. */
export interface LinkOptions {
  readonly address: BrokerAddress;
  readonly clientId: string;
  readonly protocolVersion: ProtocolVersion;
  /** How long the broker may take to accept the connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Called for each PUBLISH, in the order of arrival. */
  readonly onMessage: (message: Message) => void;
  /** Called when a message of QoS 2 begins to arrive, which ends with {@linkcode onMessage}. */
  readonly onPublishBegun?: (topic: string) => void;
  /** Says when the message after one that was handled may be. */
  readonly pacer: Pacer;
  readonly signal: AbortSignal;
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

/** The link ended while something waited for the broker. */
export class LinkLost extends Error {
  override readonly name = "LinkLost";
  readonly end: LinkEnd;

  constructor(end: LinkEnd) {
    super(end.cause);
    this.end = end;
  }
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
  const client = mqtt.connect(await clientOptions(options));
  // A broker may say all it has to say in one segment: it is listened to from the first moment.
  const link = new Link(client, options);
  try {
    await connected(client, options);
    return link;
  } catch (error) {
    client.end(true);
    throw error;
  }
}

/** A connection that the broker has accepted. */
export class Link {
  readonly protocolVersion: ProtocolVersion;
  /** Settles when the connection is over, whoever ended it. Never rejects. */
  readonly ended: Promise<LinkEnd>;
  readonly #client: MqttClient;
  /** Told of the end: reactions to a promise would stay in memory for as long as the link lasts. */
  readonly #waiting = new Set<(end: LinkEnd) => void>();
  /** Packet Identifiers that the broker acknowledged with "No matching subscribers". */
  readonly #unmatched = new Set<number>();
  readonly #pings = new Pings(() => this.#client.sendPing());
  #limits = brokerLimits(undefined);
  #end: LinkEnd | undefined;
  #cause = "the broker closed the connection";

  /** Only {@linkcode openLink} makes one. */
  constructor(client: MqttClient, options: LinkOptions) {
    this.#client = client;
    this.protocolVersion = options.protocolVersion;
    const { promise, resolve } = Promise.withResolvers<LinkEnd>();
    this.ended = promise;
    let reasonCode: number | undefined;
    client.on("connect", (connack) => this.#limits = brokerLimits(connack));
    client.on("message", (topic, payload, packet) => {
      options.onMessage(toMessage(topic, payload, packet));
    });
    client.handleMessage = (_packet, next): void =>
      options.pacer.pass(() => {
        // After the end mqtt.js has no store any more to look into, and throws.
        if (this.isOpen) next();
      });
    // Else a PUBREL waits 40 ms for the TCP acknowledgement of what went before it.
    (client.stream as { setNoDelay?(on: boolean): void }).setNoDelay?.(true);
    client.on("packetreceive", (packet) => this.#onPacket(packet, options));
    client.on("packetsend", (packet) => {
      if (packet.cmd === "pingreq") this.#pings.sent();
    });
    client.on("error", (error) => {
      this.#cause = LinkError.from(error, options.address).message;
      // mqtt.js goes on reading after what is no packet, and after answers to nothing [MQTT-4.13.1-1].
      client.stream.destroy();
    });
    client.on("disconnect", (packet) => {
      reasonCode = packet.reasonCode;
      // It should close the connection itself, §3.14.4; some forget to.
      client.stream.destroy();
    });
    client.on("close", () => {
      if (this.#end !== undefined) return;
      const end = this.#end = { reasonCode, cause: this.#cause };
      for (const onEnd of this.#waiting) onEnd(end);
      this.#waiting.clear();
      resolve(end);
      client.end(true);
    });
  }

  /** What the broker said it takes. */
  get limits(): BrokerLimits {
    return this.#limits;
  }

  /** False as soon as the end of the connection has been noticed. */
  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /**
   * Gives what `promise` gives, as long as the link lasts.
   *
   * @throws {LinkLost} when it has ended or ends before.
   */
  async orLost<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {});
    if (this.#end !== undefined) throw new LinkLost(this.#end);
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const onEnd = (end: LinkEnd): void => reject(new LinkLost(end));
    this.#waiting.add(onEnd);
    try {
      return await Promise.race([promise, lost]);
    } finally {
      this.#waiting.delete(onEnd);
    }
  }

  /**
   * Sends a PUBLISH. At QoS 0 it settles when the packet has been handed to the operating system,
   * else with the broker's acknowledgement.
   *
   * @returns the reason code of the PUBACK, PUBREC or PUBCOMP; 0 at QoS 0.
   * @throws {LinkLost} when the link ends before.
   */
  publish(publication: Publication): Promise<number> {
    return this.orLost(this.#publish(publication));
  }

  #publish(publication: Publication): Promise<number> {
    const { topic, payload, qos, retain } = publication;
    const properties = this.protocolVersion === "5" ? publishProperties(publication) : undefined;
    const { promise, resolve } = Promise.withResolvers<number>();
    // mqtt.js passes a view on without copying it.
    const body = new Uint8Array(payload) as unknown as Parameters<MqttClient["publish"]>[1];
    // None at QoS 0, where the callback is called at once.
    let messageId = 0;
    this.#client.publish(
      topic,
      body,
      { qos, retain, ...(properties === undefined ? {} : { properties }) },
      (error) => {
        const code = (error as { code?: unknown } | null)?.code;
        const isUnmatched = this.#unmatched.delete(messageId);
        if (typeof code === "number") resolve(code);
        else if (!error) resolve(isUnmatched ? NO_MATCHING_SUBSCRIBERS : 0);
        // All other errors say that the link is about to end, and its end will say more.
      },
    );
    if (qos > 0) messageId = this.#client.getLastMessageId();
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
      // Without a packet it says that the link is about to end, and its end will say more.
      if (packet === undefined) return;
      // mqtt.js reports one refusal as an error for all; the packet tells them apart.
      const codes = packet.granted as readonly (number | { readonly qos: number })[] | undefined;
      if (codes === undefined || codes.length !== filters.length) {
        reject(error ?? new Error("the SUBACK does not answer the SUBSCRIBE"));
      } else {
        resolve(codes.map((code) => typeof code === "number" ? code : code.qos));
      }
    });
    return this.orLost(promise);
  }

  /**
   * Sends an UNSUBSCRIBE and waits for its acknowledgement.
   *
   * @throws {LinkLost} when the link ends before.
   */
  unsubscribe(filters: readonly string[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#client.unsubscribe([...filters], (error) => {
      if (!error) resolve();
    });
    return this.orLost(promise);
  }

  /**
   * Settles when the broker has read all that has been sent, which a PINGREQ asks it.
   *
   * @throws {LinkLost} when the link ends before.
   */
  allRead(): Promise<void> {
    return this.orLost(this.#pings.allRead());
  }

  /**
   * Sends a DISCONNECT and closes the connection, within half a second.
   *
   * @param why what {@linkcode LinkEnd.cause} then says
   */
  async end(why = "this program closed the connection"): Promise<void> {
    if (!this.isOpen) return;
    this.#cause = why;
    const timer = setTimeout(() => this.#client.stream.destroy(), END_TIMEOUT_MS);
    // mqtt.js waits for acknowledgements that are still outstanding unless they are taken away.
    for (const id of Object.keys(outgoingOf(this.#client))) {
      this.#client.removeOutgoingMessage(Number(id));
    }
    this.#client.end();
    await this.ended;
    clearTimeout(timer);
  }

  #onPacket(packet: Packet, { onPublishBegun }: LinkOptions): void {
    if (packet.cmd === "publish") {
      if (packet.qos === 2) onPublishBegun?.(packet.topic);
    } else if (packet.cmd === "pingresp") {
      this.#pings.answered();
    } else if (packet.cmd === "puback" || packet.cmd === "pubrec") {
      // mqtt.js does not pass this reason code on, because it is none of a failure.
      const { messageId, reasonCode } = packet;
      if (reasonCode === NO_MATCHING_SUBSCRIBERS && messageId !== undefined) {
        this.#unmatched.add(messageId);
      }
    }
  }

  /** Settles when nothing written is left in this process, or the link has ended. */
  async #flushed(): Promise<void> {
    const stream = this.#client.stream as { readonly writableLength?: number };
    for (let turn = 0; this.isOpen && (stream.writableLength ?? 0) > 0; turn++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Nearly always one turn of the event loop is enough, and a timer would take a millisecond.
      if (turn < 4) setImmediate(resolve);
      else setTimeout(resolve, Math.min(turn, 20));
      await promise;
    }
  }
}

async function clientOptions({ address, ...options }: LinkOptions): Promise<IClientOptions> {
  return {
    ...await transportOptions(address),
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    keepalive: address.keepaliveSeconds,
    clientId: options.clientId,
    clean: true,
    protocolVersion: options.protocolVersion === "5" ? 5 : 4,
    // Its own clock starts with the stream only and says less: it is never the first to ring.
    connectTimeout: 2 * options.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: "native",
  };
}

/** Waits for the CONNACK. */
function connected(client: MqttClient, options: LinkOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { address, signal, connectTimeoutMs } = options;
  const onAbort = (): void => reject(signal.reason);
  const onConnect = (): void => resolve();
  const onError = (error: unknown): void => reject(LinkError.whileConnecting(error, address));
  const onClose = (): void => {
    const { kind, message } = closedUnaccepted(address);
    reject(new LinkError(kind, message));
  };
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
  // mqtt.js keeps errors without a code, as those of ws are, to itself.
  const { stream } = client;
  stream.once("error", onError);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    client.off("connect", onConnect).off("error", onError).off("close", onClose);
    stream.off("error", onError);
  });
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

function outgoingOf(client: MqttClient): Record<string, unknown> {
  return (client as unknown as { outgoing?: Record<string, unknown> }).outgoing ?? {};
}
