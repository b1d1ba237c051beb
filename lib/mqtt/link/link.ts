/**
 * One network connection to a broker, from CONNECT to its end. It is never re-used: whoever wants
 * to be connected again opens another one, so nothing of an old session is sent twice.
 *
 * @module
 */
import type { IPublishPacket, MqttClient, Packet } from "mqtt";
import type { Message, MessageProperties, QoS } from "../../messages/message.ts";
import { type BrokerLimits, brokerLimits } from "./broker_limits.ts";
import { LinkError } from "../faults/link_error.ts";
import type { Inbox } from "./inbox.ts";
import type { Pacer } from "./pacer.ts";
import { PacketLimit, TOO_LARGE_TOPIC } from "./packet_limit.ts";
import { NO_MATCHING_SUBSCRIBERS } from "../faults/reason_codes.ts";
import { messageProperties, publishProperties } from "./properties.ts";
import type { BrokerAddress } from "./transport_options.ts";

export type { BrokerLimits } from "./broker_limits.ts";
export type { BrokerAddress } from "./transport_options.ts";

/** The two protocol versions, by the names of the configuration. */
export type ProtocolVersion = "5" | "3.1.1";

/** What is needed to open a link. */
export interface LinkOptions {
  readonly address: BrokerAddress;
  readonly clientId: string;
  readonly protocolVersion: ProtocolVersion;
  /** How long the broker may take to accept the connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long a broker that has been reached may say nothing; default: as long as all may take. */
  readonly silentMs?: number;
  /**
   * The largest packet that is taken from the broker, in bytes. It is not announced as Maximum
   * Packet Size (§3.1.2.11.4): mosquitto 2.0.11 sends nothing at QoS 1 and 2 any more after twenty
   * messages that are too large, and no broker tells of those that it leaves out.
   */
  readonly maxPacketBytes: number;
  /** Called once for each message, in the order of arrival. It must not throw. */
  readonly onMessage: (message: Message) => void;
  /** Called for each message that was too large to be taken. */
  readonly onTooLarge: () => void;
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

/** How long the broker may take to close after a DISCONNECT, in milliseconds. */
const END_TIMEOUT_MS = 500;

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
  /** For each PINGREQ that is unanswered, in their order, who waits for the answer. */
  readonly #pings: Array<(() => void) | undefined> = [];
  #retainedReceived = 0;
  #limits = brokerLimits({});
  #end: LinkEnd | undefined;
  #isEnding = false;
  #cause = "the broker closed the connection";

  /** Only `openLink()` makes one. */
  constructor(client: MqttClient, inbox: Inbox, options: LinkOptions) {
    this.#client = client;
    this.protocolVersion = options.protocolVersion;
    const { promise, resolve } = Promise.withResolvers<LinkEnd>();
    this.ended = promise;
    let reasonCode: number | undefined;
    limitPackets(client, {
      maxBytes: options.maxPacketBytes,
      isMqtt5: options.protocolVersion === "5",
      onFault: () => {
        this.#cause = "the broker sent a packet that is larger than it may be";
        client.stream.destroy();
      },
    });
    const onMessage = (topic: string, payload: Uint8Array, packet: IPublishPacket): void => {
      if (topic === TOO_LARGE_TOPIC) options.onTooLarge();
      else options.onMessage(toMessage(topic, payload, packet));
    };
    client.on("connect", (connack) => this.#limits = brokerLimits(connack));
    client.on("message", (topic, payload, packet) => {
      // One of QoS 2 was passed on by the inbox.
      if (packet.qos < 2) onMessage(topic, payload, packet);
    });
    const pass = (packet: { readonly length?: number }, next: () => void): void =>
      // After the end mqtt.js has no store any more to look into, and throws.
      options.pacer.pass(() => this.isOpen && next(), packet.length);
    client.handleMessage = (packet, next): void => packet.qos === 2 ? next() : pass(packet, next);
    inbox.open({
      onMessage: (packet) => onMessage(packet.topic, bytesOf(packet.payload), packet),
      pass,
    });
    // Else a PUBREL waits 40 ms for the TCP acknowledgement of what went before it.
    (client.stream as { setNoDelay?(on: boolean): void }).setNoDelay?.(true);
    client.on("packetreceive", (packet) => this.#onPacket(packet));
    client.on("packetsend", (packet) => {
      if (packet.cmd === "pingreq") this.#pings.push(undefined);
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

  /** False as soon as its end has begun, or has been noticed. */
  get isOpen(): boolean {
    return this.#end === undefined && !this.#isEnding;
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

  /** Whether something that was to be sent has not left this process. */
  get hasUnwritten(): boolean {
    return ((this.#client.stream as { readonly writableLength?: number }).writableLength ?? 0) > 0;
  }

  /**
   * Sends a PUBLISH. It settles with the broker's acknowledgement, at QoS 0 when the broker has
   * read it.
   *
   * @returns the reason code of the PUBACK or PUBREC; 0 at QoS 0.
   * @throws {LinkLost} when the link ends before.
   */
  publish(publication: Publication): Promise<number> {
    return this.orLost(
      publication.qos === 0 ? this.#publishUnacknowledged(publication) : this.#publish(publication),
    );
  }

  async #publishUnacknowledged(publication: Publication): Promise<number> {
    const written = this.#publish(publication);
    const read = this.#ping();
    const code = await written;
    await read;
    return code;
  }

  /**
   * How many retained messages have come. One of QoS 2 counts before it is handed on, which waits
   * for its PUBREL.
   */
  get retainedReceived(): number {
    return this.#retainedReceived;
  }

  /**
   * Sends a PINGREQ and waits for the PINGRESP. A broker reads in order: it has read then what was
   * sent before, and what it sent in answer to that has arrived.
   *
   * @throws {LinkLost} when the link ends before.
   */
  ping(): Promise<void> {
    return this.orLost(this.#ping());
  }

  #ping(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#client.sendPing();
    if (this.#pings.length > 0) this.#pings[this.#pings.length - 1] = resolve;
    return promise;
  }

  #publish({ topic, payload, qos, retain, ...rest }: Publication): Promise<number> {
    const properties = this.protocolVersion === "5" ? publishProperties(rest) : undefined;
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
        if (typeof code === "number" && this.isOpen) resolve(code);
        else if (!error) resolve(isUnmatched ? NO_MATCHING_SUBSCRIBERS : 0);
        // All other errors say that the link is about to end, and its end will say more.
      },
    );
    if (qos > 0) messageId = this.#client.getLastMessageId();
    return promise;
  }

  /**
   * Sends one SUBSCRIBE for all of `filters`, §3.8.3.1. `retained` says whether retained messages are
   * wanted: Retain Handling 0 or 2; in MQTT 3.1.1 they always come.
   *
   * @returns the SUBACK's reason code for each, in the same order.
   */
  subscribe(
    filters: readonly string[],
    { retained, qos }: { readonly retained: boolean; readonly qos: QoS },
  ): Promise<readonly number[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    const options = this.protocolVersion === "5"
      ? { qos, nl: false, rap: false, rh: retained ? 0 : 2 } as const
      : { qos };
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
   * Sends a DISCONNECT and closes the connection, within half a second.
   *
   * @param why what {@linkcode LinkEnd.cause} then says
   */
  async end(why = "this program closed the connection"): Promise<void> {
    if (!this.isOpen) {
      await this.ended;
      return;
    }
    this.#isEnding = true;
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

  /** Closes the connection at once. What has not left this process never leaves it. */
  destroy(why: string): void {
    this.#isEnding = true;
    this.#cause = why;
    this.#client.stream.destroy();
  }

  #onPacket(packet: Packet): void {
    if (isMalformed(packet)) {
      this.destroy("the broker sent a malformed packet");
      // mqtt.js still handles it.
      if (packet.cmd === "connack") delete packet.properties;
    }
    if (packet.cmd === "publish") {
      if (packet.retain) this.#retainedReceived++;
    } else if (packet.cmd === "pingresp") {
      this.#pings.shift()?.();
    } else if (packet.cmd === "pubcomp" && (packet.reasonCode ?? 0) >= 0x80) {
      // Its PUBREC said that it had taken the message: what became of it nobody knows.
      this.destroy("the broker lost a message of QoS 2 that it had begun to take");
    } else if (packet.cmd === "puback" || packet.cmd === "pubrec") {
      // mqtt.js does not pass this reason code on, because it is none of a failure.
      const { messageId, reasonCode } = packet;
      if (reasonCode === NO_MATCHING_SUBSCRIBERS && messageId !== undefined) {
        this.#unmatched.add(messageId);
      }
    }
  }
}

/** Has all that is read of a connection pass a limit first. */
function limitPackets(
  { stream }: MqttClient,
  options: ConstructorParameters<typeof PacketLimit>[0],
): void {
  const limit = new PacketLimit(options);
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean =>
    push(chunk instanceof Uint8Array ? limit.pass(chunk) : chunk, encoding);
}

/**
 * Whether a number is missing, or is there twice (§2.2.2.2), that mqtt.js takes on trust from its
 * parser: it would throw where nobody can catch it.
 */
function isMalformed(packet: Packet): boolean {
  const keepAlive = packet.cmd === "connack" ? packet.properties?.serverKeepAlive : undefined;
  return [packet.messageId, keepAlive].some((number) => number !== undefined && !(number >= 0));
}

function bytesOf(payload: IPublishPacket["payload"]): Uint8Array {
  return typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
}

function toMessage(topic: string, payload: Uint8Array, packet: IPublishPacket): Message {
  // What else there is in the packet is the topic name, which is small, and a few bytes.
  const properties = messageProperties(packet.properties, (packet.length ?? 0) - payload.length);
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
