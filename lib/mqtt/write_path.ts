/**
 * Over which connection a message is published: the main one, or past the queue for that.
 *
 * @module
 */
import { bounded } from "../async.ts";
import { McpMqttError } from "../errors.ts";
import { Detour, type DetourOptions } from "./detour.ts";
import type { Lanes, LaneWaiting } from "./lanes.ts";
import type { Link, Publication } from "./link.ts";
import { notSent } from "./publish_faults.ts";
import { Publisher } from "./publisher.ts";

/** What a path needs. */
export interface WritePathOptions extends DetourOptions {
  readonly lanes: Lanes;
}

/**
 * Publishes over the main connection. While messages flood in on that, its acknowledgements come
 * behind all that the broker has queued for it, seconds late; then messages take a
 * {@linkcode Detour}.
 *
 * That puts no message out of order: one goes over another connection than an earlier one only when
 * the broker is known to have read the earlier one, by its acknowledgement or, at QoS 0, by the
 * PINGRESP to a PINGREQ that was sent after it.
 *
 * A Client Identifier that the owner chose may stand in the access rules of the broker. What it
 * refuses over the detour is published over the main connection, therefore; and as MQTT 3.1.1 has no
 * way to refuse a message, there is no detour for such a one there.
 */
export class WritePath {
  readonly #options: WritePathOptions;
  readonly #publisher: Publisher;
  readonly #detour: Detour;
  /** How many messages on each link are not known to have been read by the broker. */
  readonly #unread = new WeakMap<Link, number>();
  /** What messages wait for before they go anywhere. */
  #opening: Promise<void> | undefined;
  /** The main link beside which there is no detour, because that or something on it has failed. */
  #without: Link | undefined;

  constructor(options: WritePathOptions) {
    this.#options = options;
    this.#publisher = new Publisher(options.times.publishMs);
    this.#detour = new Detour(options);
  }

  /**
   * Publishes a message and waits for what the broker says to it.
   *
   * @returns the reason code, which is none of a failure.
   * @throws {McpMqttError} always with an outcome.
   */
  async publish(publication: Publication, waiting: LaneWaiting): Promise<number> {
    const { signal } = waiting;
    const { link, main } = await this.#take(waiting);
    try {
      return await this.#send(publication, { link, signal });
    } catch (error) {
      // A broker may refuse a message by closing the connection: the next one does not go that way.
      if (link !== main && !link.isOpen) this.#without = main;
      if (link === main || !isRefusal(error)) throw error;
      this.#count(main, 1);
      const code = await this.#send(publication, { link: main, signal });
      this.#without = main;
      return code;
    }
  }

  /** Disconnects the detour. */
  async close(): Promise<void> {
    await this.#detour.close();
  }

  /** A link to publish over, on which a message more is counted. */
  async #take(waiting: LaneWaiting): Promise<{ readonly link: Link; readonly main: Link }> {
    const { lanes } = this.#options;
    for (let isPatient = true;; isPatient = false) {
      const main = await lanes.ready(lanes.main, waiting).catch((error) => {
        throw notSent(error);
      });
      if (this.#detour.link === undefined && this.#isDetourWanted(main)) {
        this.#opening ??= this.#open(main).finally(() => this.#opening = undefined);
      }
      if (this.#opening === undefined || !isPatient || this.#unreadOn(main) > 0) {
        const link = this.#choose(main);
        this.#count(link, 1);
        return { link, main };
      }
      // Those that come meanwhile wait too, whatever they want: they come after this one.
      await bounded(this.#opening, { signal: waiting.signal });
    }
  }

  #choose(main: Link): Link {
    const { link } = this.#detour;
    if (link === undefined || this.#unreadOn(main) > 0) return main;
    if (this.#unreadOn(link) === 0 && !this.#isDetourWanted(main)) return main;
    this.#detour.use();
    return link;
  }

  #isDetourWanted(main: Link): boolean {
    const { opener, lanes } = this.#options;
    const isSafe = !opener.settings.isClientIdChosen || main.protocolVersion === "5";
    return isSafe && lanes.main.isLoaded && this.#without !== main;
  }

  async #open(main: Link): Promise<void> {
    if (!await this.#detour.open()) this.#without = main;
  }

  async #send(
    publication: Publication,
    options: { readonly link: Link; readonly signal: AbortSignal },
  ): Promise<number> {
    const { link } = options;
    let isSettled = false;
    try {
      const code = await this.#publisher.publish(publication, options);
      isSettled = publication.qos > 0;
      return code;
    } catch (error) {
      isSettled = error instanceof McpMqttError && error.outcome === "not_sent";
      throw error;
    } finally {
      const onRead = (): void => this.#count(link, -1);
      if (isSettled) onRead();
      else link.allRead().then(onRead, onRead);
    }
  }

  #unreadOn(link: Link): number {
    return this.#unread.get(link) ?? 0;
  }

  #count(link: Link, difference: 1 | -1): void {
    this.#unread.set(link, this.#unreadOn(link) + difference);
  }
}

/** Whether the broker has said no, so that the message has certainly not been taken. */
function isRefusal(error: unknown): boolean {
  return error instanceof McpMqttError && error.code === "broker_refused" &&
    error.outcome === "not_sent";
}
