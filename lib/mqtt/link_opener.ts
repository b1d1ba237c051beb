/**
 * Opens links to one broker, in the newest protocol version that the broker speaks.
 *
 * @module
 */
import { type BrokerAddress, type Link, openLink, type ProtocolVersion } from "./link.ts";
import { LinkError } from "./link_error.ts";
import type { Message } from "./message.ts";

/** What stays the same for every link to the broker. */
export interface BrokerSettings {
  readonly address: BrokerAddress;
  /** The Client Identifier of the first link; further ones append `-2`, `-3`, … */
  readonly clientId: string;
  /** `auto`: 5, then 3.1.1 where the broker refuses 5. */
  readonly protocolVersion: ProtocolVersion | "auto";
  readonly connectTimeoutMs: number;
}

/** What differs from link to link. */
export interface OpenOptions {
  readonly clientId: string;
  readonly onMessage: (message: Message) => void;
  readonly signal: AbortSignal;
}

/** Remembers which protocol version the broker has accepted. */
export class LinkOpener {
  readonly settings: BrokerSettings;
  #version: ProtocolVersion | undefined;

  constructor(settings: BrokerSettings) {
    this.settings = settings;
    this.#version = settings.protocolVersion === "auto" ? undefined : settings.protocolVersion;
  }

  /** The version in use, once it is known. */
  get protocolVersion(): ProtocolVersion | undefined {
    return this.#version;
  }

  /** @throws {LinkError} where no connection could be made. */
  async open(options: OpenOptions): Promise<Link> {
    if (this.#version !== undefined) return await this.#open(this.#version, options);
    try {
      const link = await this.#open("5", options);
      this.#version = "5";
      return link;
    } catch (error) {
      if (!mayBeAboutTheVersion(error)) throw error;
      const link = await this.#open("3.1.1", options);
      this.#version = "3.1.1";
      return link;
    }
  }

  #open(protocolVersion: ProtocolVersion, options: OpenOptions): Promise<Link> {
    const { address, connectTimeoutMs } = this.settings;
    return openLink({ ...options, address, connectTimeoutMs, protocolVersion });
  }
}

/** A broker of the 3.1.1 age may say so, or just close the connection [MQTT-3.1.2-2]. */
function mayBeAboutTheVersion(error: unknown): boolean {
  return error instanceof LinkError && (error.kind === "version" || error.kind === "closed");
}
