/**
 * Opens links to one broker, in the newest protocol version that the broker speaks.
 *
 * @module
 */
import type { BrokerAddress, Link, ProtocolVersion } from "./link.ts";
import { openLink } from "./open_link.ts";
import { LinkError } from "../faults/link_error.ts";
import type { Message } from "../../messages/message.ts";
import { Pacer } from "./pacer.ts";

/** What stays the same for every link to the broker. */
export interface BrokerSettings {
  readonly address: BrokerAddress;
  /** The Client Identifier of the first link; further ones append `-2`, `-3`, …, or `-w`. */
  readonly clientId: string;
  /** The owner has chosen it, so that the broker's access rules may know it. */
  readonly isClientIdChosen: boolean;
  /** Whether something may be published. */
  readonly mayWrite: boolean;
  /** `auto`: 5, then 3.1.1 where the broker refuses 5. */
  readonly protocolVersion: ProtocolVersion | "auto";
  readonly connectTimeoutMs: number;
  /** The largest message that is taken from the broker, in bytes of its packet. */
  readonly maxMessageBytes: number;
  /** Below what answers are asked for; undefined: where the broker says, or a place of our own. */
  readonly responsePrefix?: string | undefined;
}

/** What differs from link to link. */
export interface OpenOptions {
  readonly clientId: string;
  readonly onMessage: (message: Message) => void;
  readonly signal: AbortSignal;
}

/** How often a broker may have no word for MQTT 5 until it is taken to speak 3.1.1 only. */
const MAX_SILENT_REFUSALS = 2;

/** Remembers which protocol version the broker has accepted. */
export class LinkOpener {
  readonly settings: BrokerSettings;
  readonly #pacer = new Pacer();
  #inUse: ProtocolVersion | undefined;
  /** What is tried first where the version is `auto`. */
  #preferred: ProtocolVersion = "5";
  #silentRefusals = 0;
  #hasSpoken5 = false;
  #tooLarge = 0;

  constructor(settings: BrokerSettings) {
    this.settings = settings;
  }

  /** The version that the broker accepted last; undefined before the first time. */
  get protocolVersion(): ProtocolVersion | undefined {
    const { protocolVersion } = this.settings;
    return protocolVersion === "auto" ? this.#inUse : protocolVersion;
  }

  /** How many messages were not taken because they were too large. */
  get tooLarge(): number {
    return this.#tooLarge;
  }

  /** @throws {LinkError} where no connection could be made. */
  async open(options: OpenOptions): Promise<Link> {
    const { protocolVersion } = this.settings;
    if (protocolVersion !== "auto") return await this.#open(protocolVersion, options);
    const first = this.#preferred;
    try {
      const link = await this.#open(first, options);
      if (first === "5") this.#silentRefusals = 0;
      return link;
    } catch (error) {
      const kind = error instanceof LinkError ? error.kind : undefined;
      const isCertain = kind === "version";
      // A broker of the 3.1.1 age may just close the connection [MQTT-3.1.2-2]; so does one that is
      // about to go down, so that one time proves nothing. Or it takes the properties for something
      // else and waits for the rest of it; one that has spoken MQTT 5 is only slow.
      const isWordless = kind === "closed" || kind === "silent" && !this.#hasSpoken5;
      if (!isCertain && !(first === "5" && isWordless)) throw error;
      const second = first === "5" ? "3.1.1" : "5";
      const link = await this.#open(second, options);
      if (isCertain || ++this.#silentRefusals >= MAX_SILENT_REFUSALS) this.#preferred = second;
      return link;
    }
  }

  async #open(protocolVersion: ProtocolVersion, options: OpenOptions): Promise<Link> {
    const { address, connectTimeoutMs, maxMessageBytes } = this.settings;
    const link = await openLink({
      ...options,
      address,
      connectTimeoutMs,
      protocolVersion,
      // What it may speak instead is to be found out while calls still wait.
      ...(this.settings.protocolVersion === "auto" && protocolVersion === "5" && !this.#hasSpoken5
        ? { silentMs: connectTimeoutMs / 2 }
        : {}),
      maxPacketBytes: maxMessageBytes,
      onTooLarge: () => this.#tooLarge++,
      pacer: this.#pacer,
    });
    this.#inUse = protocolVersion;
    this.#hasSpoken5 ||= protocolVersion === "5";
    return link;
  }
}
