/**
 * Publishes, in the order of the calls, and says what became of each message.
 *
 * @module
 */
import type { Logger } from "../../log.ts";
import { quoteTopic } from "../../topics/topic_text.ts";
import { bounded } from "../../wait.ts";
import type { Waiting } from "../collecting/lanes.ts";
import type { LastingLink } from "../link/lasting_link.ts";
import { type Link, LinkLost, type Publication } from "../link/link.ts";
import {
  assertTaken,
  lostWhilePublishing,
  noPlace,
  notAcknowledged,
  notRead,
  notSent,
  publishRefused,
} from "./publish_faults.ts";
import { Semaphore } from "./semaphore.ts";

/** Bounds of a publish. */
export interface PublishOptions extends Waiting {
  /** Called when the message is handed over; if it is not called the message is never sent. */
  readonly onSent?: () => void;
}

/** What a writer needs. */
export interface WriterOptions {
  readonly lasting: LastingLink;
  readonly connectTimeoutMs: number;
  readonly log: Logger;
  /** How long an acknowledgement may take, in milliseconds. */
  readonly publishMs: number;
}

/** How much of a payload a line of the log has. */
const MAX_LOGGED_BYTES = 1_024;

/** How long a message waits at least, in milliseconds: the broker was there a moment ago. */
const MIN_PATIENCE_MS = 2_000;

/**
 * MQTT 3.1.1 has no way to say how many messages a broker takes at once. mosquitto takes as many of
 * QoS 2 as its max_inflight_messages says, acknowledges the others all the same and loses them; 1 is
 * the least that can be set there.
 */
const UNANNOUNCED_MAXIMUM = { 1: 65_535, 2: 1 } as const;

/** Sends one message after the other, each over the connection that is open when its turn comes. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #turn = new Semaphore(1);
  /** For each link the places among the messages that the broker takes unacknowledged. */
  readonly #places = new WeakMap<Link, ReadonlyMap<1 | 2, Semaphore>>();

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Sends a message and waits for what the broker says to it. What was not sent when this settles is
   * never sent.
   *
   * @returns the reason code, which is none of a failure.
   * @throws {McpMqttError} always with an outcome.
   */
  async publish(publication: Publication, options: PublishOptions): Promise<number> {
    const { publishMs: timeoutMs } = this.#options;
    const { qos } = publication;
    const { link, answer } = await this.#inTurn(publication, options).catch((error) => {
      throw notSent(error);
    });
    try {
      const code = await bounded(answer, {
        timeoutMs,
        signal: options.signal,
        onTimeout: () => {
          throw qos === 0 ? notRead(timeoutMs) : notAcknowledged(timeoutMs);
        },
      });
      if (code >= 0x80) throw publishRefused(code);
      return code;
    } catch (error) {
      // What has not left this process must not leave it after the answer to the call.
      if (link.hasUnwritten) link.destroy("the broker stopped reading");
      throw error instanceof LinkLost ? lostWhilePublishing(error, qos) : error;
    }
  }

  /** Waits for its turn, for the connection and for a place, and sends. */
  async #inTurn(
    publication: Publication,
    { waitMs, signal, onSent }: PublishOptions,
  ): Promise<{ readonly link: Link; readonly answer: Promise<number> }> {
    const { lasting, connectTimeoutMs, publishMs } = this.#options;
    const start = performance.now();
    // Aborted in the very moment in which the time is up: nothing can be sent after it.
    const inTime = new AbortController();
    const patienceMs = Math.max(waitMs, MIN_PATIENCE_MS);
    const lateMs = Math.min(patienceMs, publishMs);
    const timer = setTimeout(() => {
      inTime.abort(lasting.link === undefined ? lasting.notConnected() : noPlace(lateMs));
    }, lateMs);
    const either = AbortSignal.any([signal, inTime.signal]);
    let endTurn: (() => void) | undefined;
    try {
      endTurn = await this.#turn.acquire(either);
      while (true) {
        lasting.start();
        const connectMs = Math.min(patienceMs, connectTimeoutMs) - (performance.now() - start);
        const link = await lasting.ready(Math.max(0, connectMs), either);
        assertTaken(publication, link);
        const release = await this.#place(publication.qos, link, either);
        if (either.aborted || !link.isOpen) {
          release();
          either.throwIfAborted();
          continue;
        }
        const answer = link.publish(publication);
        answer.then(release, release);
        onSent?.();
        this.#options.log.debug(() => describe(publication));
        return { link, answer };
      }
    } finally {
      clearTimeout(timer);
      endTurn?.();
    }
  }

  /** Takes a place, Receive Maximum, §3.3.4; one of no use if the link ends before there is one. */
  async #place(qos: 0 | 1 | 2, link: Link, signal: AbortSignal): Promise<() => void> {
    const nothing = (): void => {};
    if (qos === 0) return nothing;
    try {
      return await link.orLost(this.#placesFor(qos, link).acquire(signal));
    } catch (error) {
      if (error instanceof LinkLost) return nothing;
      throw error;
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

/** With the beginning of the payload. */
function describe({ topic, payload, qos, retain, isText }: Publication): string {
  const start = payload.subarray(0, MAX_LOGGED_BYTES);
  const shown = isText
    ? JSON.stringify(new TextDecoder().decode(start))
    : `base64 ${start.toBase64()}`;
  const rest = payload.length > MAX_LOGGED_BYTES ? ` … (${payload.length} bytes)` : "";
  return `PUBLISH ${quoteTopic(topic)}, QoS ${qos}${retain ? ", retain" : ""}: ${shown}${rest}`;
}
