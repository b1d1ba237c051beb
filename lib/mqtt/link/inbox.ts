/**
 * How messages of QoS 2 arrive: Method B of MQTT 5.0 §4.3.3. A message is passed on when its PUBLISH
 * arrives, and only its Packet Identifier is kept until the PUBREL, whatever the broker sends or does
 * not send.
 *
 * @module
 */
import type { IPublishPacket } from "mqtt";

/** Where messages go, and when the next may come. */
export interface InboxListener {
  readonly onMessage: (packet: IPublishPacket) => void;
  /** Calls `next` when `packet` may be answered. */
  readonly pass: (packet: { readonly length?: number }, next: () => void) => void;
}

type Callback = (error?: Error, packet?: Partial<IPublishPacket>) => void;

/** Stands for the store in which mqtt.js keeps whole messages until their PUBREL (Method A). */
export class Inbox {
  readonly #identifiers = new Set<number>();
  #listener: InboxListener | undefined;

  /** To be called before anything arrives. */
  open(listener: InboxListener): void {
    this.#listener = listener;
  }

  /** A PUBLISH has arrived, and will be answered with a PUBREC when `done` is called. */
  put(packet: IPublishPacket, done: Callback): this {
    const { messageId = 0 } = packet;
    if (!this.#identifiers.has(messageId)) {
      this.#identifiers.add(messageId);
      this.#listener?.onMessage(packet);
    }
    this.#listener?.pass(packet, done);
    return this;
  }

  /** A PUBREL has arrived. mqtt.js takes what `done` gets for the message, which has been. */
  get({ messageId = 0 }: Pick<IPublishPacket, "messageId">, done: Callback): this {
    this.#listener?.pass({}, () => {
      if (this.#identifiers.has(messageId)) done(undefined, { qos: 2, messageId, topic: "" });
      else done(new Error("no such Packet Identifier"));
    });
    return this;
  }

  /** The PUBREL is answered. */
  del({ messageId = 0 }: Pick<IPublishPacket, "messageId">, done: Callback): this {
    this.#identifiers.delete(messageId);
    done();
    return this;
  }

  /** Nothing more will arrive. */
  close(done: Callback): void {
    this.#identifiers.clear();
    done();
  }
}
