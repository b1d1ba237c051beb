/**
 * A connection for publishing alone, beside the main one.
 *
 * @module
 */
import { within } from "../async.ts";
import type { Logger } from "../log.ts";
import type { Link } from "./link.ts";
import { LinkError } from "./link_error.ts";
import type { LinkOpener } from "./link_opener.ts";
import type { Times } from "./times.ts";

/** How long a message waits for the connection at most, in milliseconds. */
const MAX_OPENING_MS = 500;

/** What a detour needs. */
export interface DetourOptions {
  readonly opener: LinkOpener;
  readonly log: Logger;
  readonly times: Times;
}

/**
 * A connection without subscriptions, Client Identifier `<id>-w`: what the broker answers on it has
 * nothing to wait behind. It is opened when asked for, and closed after a time without use.
 */
export class Detour {
  readonly #options: DetourOptions;
  readonly #closing = new AbortController();
  #link: Link | undefined;
  #connecting: Promise<boolean> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: DetourOptions) {
    this.#options = options;
  }

  /** The open connection, where there is one. */
  get link(): Link | undefined {
    return this.#link?.isOpen ? this.#link : undefined;
  }

  /**
   * Opens it, and waits half a second for that at most.
   *
   * @returns false where that has failed; it may be on its way still where not.
   */
  async open(): Promise<boolean> {
    this.#connecting ??= this.#connect().finally(() => this.#connecting = undefined);
    let hasFailed = false;
    await within(
      MAX_OPENING_MS,
      this.#connecting.then((isOpen) => {
        hasFailed = !isOpen;
      }),
    );
    return !hasFailed;
  }

  /** It is in use from now on, and after {@linkcode Times.idleLaneMs} no longer. */
  use(): void {
    clearTimeout(this.#idle);
    if (this.#closing.signal.aborted) return;
    this.#idle = setTimeout(() => {
      const link = this.#link;
      this.#link = undefined;
      this.#ending = link?.end();
    }, this.#options.times.idleLaneMs);
  }

  /** Disconnects and stays so. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#idle);
    await this.#connecting;
    await Promise.all([this.#link?.end(), this.#ending]);
  }

  async #connect(): Promise<boolean> {
    const { opener, log } = this.#options;
    const { signal } = this.#closing;
    const clientId = `${opener.settings.clientId}-w`;
    const ignore = (): void => {};
    try {
      const link = await opener.open({
        clientId,
        onMessage: ignore,
        onPublishBegun: ignore,
        signal,
      });
      this.#link = link;
      log.info(`connected as ${clientId} too, to publish past the messages that arrive`);
      this.use();
      return true;
    } catch (error) {
      if (!signal.aborted) {
        const { message } = LinkError.from(error, opener.settings.address);
        log.warning(`no further connection to publish past the messages that arrive: ${message}`);
      }
      return false;
    }
  }
}
