/**
 * A link that is opened again whenever it is lost.
 *
 * @module
 */
import { McpMqttError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { bounded, pause } from "../../wait.ts";
import { Backoff } from "./backoff.ts";
import type { Link, LinkEnd } from "./link.ts";
import { LinkError } from "../faults/link_error.ts";
import type { LinkOpener } from "./link_opener.ts";
import type { Message } from "../../messages/message.ts";
import { reasonCodeName, SESSION_TAKEN_OVER } from "../faults/reason_codes.ts";

/** A broker that has not answered after this time is told of, in milliseconds. */
const SILENT_MS = 1_000;

/** What a lasting link needs, and whom it tells. */
export interface LastingLinkOptions {
  readonly opener: LinkOpener;
  readonly clientId: string;
  readonly log: Logger;
  readonly onMessage?: (message: Message) => void;
  readonly onConnected?: (link: Link) => void;
  readonly onEnded?: (end: LinkEnd) => void;
}

/** How it stands. Times are milliseconds since the epoch. */
export interface LastingLinkStatus {
  readonly isConnected: boolean;
  readonly connectedSince: number | undefined;
  readonly disconnectedSince: number | undefined;
  readonly reconnects: number;
  /** What went wrong last; it may have been overcome. */
  readonly lastError: string | undefined;
}

/** Keeps one connection to the broker alive, from {@linkcode LastingLink.start} to `close()`. */
export class LastingLink {
  readonly #options: LastingLinkOptions;
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff();
  #running: Promise<void> | undefined;
  #link: Link | undefined;
  /** Settled by the next attempt to connect, whether it succeeds or not. */
  #attempt = Promise.withResolvers<void>();
  #wakeUp = new AbortController();
  #isToTryNow = false;
  #wantedUntil = 0;
  #connectedSince: number | undefined;
  #disconnectedSince: number | undefined = Date.now();
  #connections = 0;
  #shortConnections = 0;
  #lastError: LinkError | undefined;
  #logged: string | undefined;

  constructor(options: LastingLinkOptions) {
    this.#options = options;
  }

  /** Begins to connect. Further calls do nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** The open link, where there is one. */
  get link(): Link | undefined {
    return this.#link?.isOpen ? this.#link : undefined;
  }

  get status(): LastingLinkStatus {
    return {
      isConnected: this.link !== undefined,
      connectedSince: this.#connectedSince,
      disconnectedSince: this.#disconnectedSince,
      reconnects: Math.max(0, this.#connections - 1),
      lastError: this.#lastError?.message,
    };
  }

  /** Why there is no connection; undefined while there is one, or before the first attempt. */
  get lastError(): LinkError | undefined {
    return this.link === undefined ? this.#lastError : undefined;
  }

  /**
   * Waits for a connection, at most `timeoutMs`.
   *
   * @throws {McpMqttError} `not_connected`, with since when and why.
   */
  async ready(timeoutMs: number, signal: AbortSignal): Promise<Link> {
    const deadline = performance.now() + timeoutMs;
    while (true) {
      const { link } = this;
      if (link !== undefined) return link;
      await this.attempted(Math.max(0, deadline - performance.now()), signal);
    }
  }

  /**
   * Waits for the outcome of the attempt to connect that is under way or comes next. It comes within
   * a second, however long the attempts have been in vain.
   *
   * @throws {McpMqttError} `not_connected` where it takes longer than `timeoutMs`.
   */
  async attempted(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.link !== undefined) return;
    if (this.#closing.signal.aborted) throw this.notConnected();
    this.wantFor(timeoutMs);
    const onTimeout = (): never => {
      throw this.notConnected();
    };
    await bounded(this.#attempt.promise, { timeoutMs, signal, onTimeout });
  }

  /**
   * Somebody wants the connection: for so many milliseconds it is tried every second, not at ever
   * longer intervals.
   */
  wantFor(ms: number): void {
    this.#wantedUntil = Math.max(this.#wantedUntil, performance.now() + ms);
    this.#wake();
  }

  /** Ends the pause before the next attempt to connect: the broker is known to be there. */
  tryNow(): void {
    this.#isToTryNow = true;
    this.#wake();
  }

  /** Ends the pause before the next attempt. `abort()` makes an error even if there is nothing to do. */
  #wake(): void {
    if (!this.#wakeUp.signal.aborted) this.#wakeUp.abort();
  }

  /** Disconnects and stays so. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await this.#link?.end();
    await this.#running;
    this.#attempt.resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const link = await this.#open();
      const end = await link?.ended;
      if (end !== undefined) this.#onEnded(end);
      if (end?.reasonCode === SESSION_TAKEN_OVER) await pause(Backoff.takenOverMs, signal);
      else await this.#pause(this.#backoff.next());
    }
  }

  async #open(): Promise<Link | undefined> {
    const { opener, clientId, onMessage = ignore } = this.#options;
    const { signal } = this.#closing;
    const { address: { host, port }, connectTimeoutMs } = opener.settings;
    const timer = setTimeout(() => {
      this.#options.log.info(
        `the broker at ${host}:${port} has said nothing yet; waiting up to ${
          connectTimeoutMs / 1000
        } s`,
      );
    }, SILENT_MS);
    try {
      const link = await opener.open({ clientId, onMessage, signal });
      if (signal.aborted) await link.end();
      else this.#onConnected(link);
      return link;
    } catch (error) {
      if (!signal.aborted) this.#failed(LinkError.from(error, opener.settings.address));
      return undefined;
    } finally {
      clearTimeout(timer);
      const attempt = this.#attempt;
      this.#attempt = Promise.withResolvers<void>();
      attempt.resolve();
    }
  }

  #onConnected(link: Link): void {
    this.#link = link;
    this.#connections++;
    this.#connectedSince = Date.now();
    this.#disconnectedSince = undefined;
    this.#logged = undefined;
    const { log, clientId } = this.#options;
    log.info(`connected as ${clientId} with MQTT ${link.protocolVersion}`);
    this.#options.onConnected?.(link);
  }

  #onEnded(end: LinkEnd): void {
    const heldMs = Date.now() - (this.#connectedSince ?? 0);
    const isShort = this.#backoff.ended(heldMs);
    this.#shortConnections = isShort ? this.#shortConnections + 1 : 0;
    this.#link = undefined;
    this.#connectedSince = undefined;
    this.#disconnectedSince = Date.now();
    if (!this.#closing.signal.aborted) {
      const repeats = this.#shortConnections > 1;
      this.#failed(
        new LinkError("closed", endSentence(end, { clientId: this.#options.clientId, repeats })),
      );
    }
    this.#options.onEnded?.(end);
  }

  #failed(error: LinkError): void {
    this.#lastError = error;
    if (error.message === this.#logged) return;
    this.#logged = error.message;
    this.#options.log.warning(error.message);
  }

  /** Sleeps, but not long while somebody wants the connection. */
  async #pause(delayMs: number): Promise<void> {
    const start = performance.now();
    this.#isToTryNow = false;
    while (!this.#closing.signal.aborted && !this.#isToTryNow) {
      const now = performance.now();
      const fullMs = now < this.#wantedUntil ? Math.min(delayMs, Backoff.waitedForMs) : delayMs;
      const leftMs = start + fullMs - now;
      if (leftMs <= 0) return;
      this.#wakeUp = new AbortController();
      await pause(leftMs, this.#wakeUp.signal);
    }
  }

  /** The error of a call that has waited in vain. */
  notConnected(): McpMqttError {
    const { host, port } = this.#options.opener.settings.address;
    const since = this.#disconnectedSince === undefined
      ? ""
      : ` since ${new Date(this.#disconnectedSince).toISOString()}`;
    const cause = this.#closing.signal.aborted
      ? "the program is shutting down"
      : this.lastError?.message ?? "it has not answered yet";
    return new McpMqttError(
      "not_connected",
      `no connection to the broker at ${host}:${port}${since}: ${cause}`,
      { hint: "The program keeps trying; mqtt_status tells when it is back." },
    );
  }
}

function ignore(): void {}

function endSentence(
  { reasonCode, cause }: LinkEnd,
  { clientId, repeats }: { readonly clientId: string; readonly repeats: boolean },
): string {
  if (reasonCode === SESSION_TAKEN_OVER) {
    return `another client took over the Client Identifier ${JSON.stringify(clientId)}: ${
      reasonCodeName(reasonCode)
    }; give each client its own mqtt.client_id, or leave it null; trying again in ${
      Backoff.takenOverMs / 1000
    } s`;
  }
  if (reasonCode !== undefined) return `the broker disconnected: ${reasonCodeName(reasonCode)}`;
  // MQTT 3.1.1 has no way to say that it was a takeover.
  return repeats
    ? `${cause}, not for the first time: another client may use the Client Identifier ${
      JSON.stringify(clientId)
    }, see mqtt.client_id`
    : cause;
}
