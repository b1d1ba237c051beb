/**
 * Sends messages over a link and says what became of each.
 *
 * @module
 */
import { bounded, Semaphore } from "../async.ts";
import { type Link, LinkLost, type Publication } from "./link.ts";
import {
  assertTaken,
  lostWhilePublishing,
  noPlace,
  notAcknowledged,
  notSent,
  notWritten,
  publishRefused,
} from "./publish_faults.ts";

/** Over what to send, and until when. */
export interface PublishOptions {
  readonly link: Link;
  readonly signal: AbortSignal;
}

/**
 * MQTT 3.1.1 has no way to say how many messages a broker takes at once. mosquitto takes as many of
 * QoS 2 as its max_inflight_messages says, acknowledges the others all the same and loses them; 1 is
 * the least that can be set there.
 */
const UNANNOUNCED_MAXIMUM = { 1: 65_535, 2: 1 } as const;

/** Publishes, and keeps to what the broker takes. */
export class Publisher {
  readonly #timeoutMs: number;
  readonly #places = new WeakMap<Link, Map<1 | 2, Semaphore>>();

  /** @param timeoutMs how long an acknowledgement may take, in milliseconds. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a message and waits for what the broker says to it.
   *
   * @returns the reason code, which is none of a failure.
   * @throws {McpMqttError} always with an outcome.
   */
  async publish(publication: Publication, { link, signal }: PublishOptions): Promise<number> {
    signal.throwIfAborted();
    assertTaken(publication, link);
    const { qos } = publication;
    // Without a turn in between where there is a place: calls at once keep their order.
    const release = qos === 0
      ? (): void => {}
      : this.#placesFor(qos, link).tryAcquire() ?? await this.#place(qos, { link, signal });
    if (!link.isOpen) throw notSent(new LinkLost(await link.ended));
    const answer = link.publish(publication);
    answer.then(release, release);
    try {
      const code = await bounded(answer, {
        timeoutMs: this.#timeoutMs,
        signal,
        onTimeout: () => qos === 0 ? notWritten(this.#timeoutMs) : notAcknowledged(this.#timeoutMs),
      });
      if (code >= 0x80) throw publishRefused(code);
      return code;
    } catch (error) {
      throw error instanceof LinkLost ? lostWhilePublishing(error, qos) : error;
    }
  }

  /** A place among the messages that the broker takes unacknowledged: Receive Maximum, §3.3.4. */
  async #place(qos: 1 | 2, { link, signal }: PublishOptions): Promise<() => void> {
    const inLine = new AbortController();
    const place = this.#placesFor(qos, link).acquire(inLine.signal);
    try {
      return await bounded(link.orLost(place), {
        timeoutMs: this.#timeoutMs,
        signal,
        onTimeout: () => noPlace(this.#timeoutMs),
      });
    } catch (error) {
      inLine.abort();
      // It may have been given at the same moment.
      place.then((release) => release(), () => {});
      throw notSent(error);
    }
  }

  #placesFor(qos: 1 | 2, link: Link): Semaphore {
    let byQos = this.#places.get(link);
    if (byQos === undefined) {
      const { protocolVersion, limits } = link;
      const all = new Semaphore(limits.receiveMaximum);
      byQos = protocolVersion === "5" ? new Map([[1, all], [2, all]]) : new Map([
        [1, new Semaphore(UNANNOUNCED_MAXIMUM[1])],
        [2, new Semaphore(UNANNOUNCED_MAXIMUM[2])],
      ]);
      this.#places.set(link, byQos);
    }
    return byQos.get(qos) as Semaphore;
  }
}
