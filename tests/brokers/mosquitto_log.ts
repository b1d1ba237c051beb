/** What mosquitto's log (`log_type all`) tells about the clients it serves. */
export class MosquittoLog {
  /** How often a client has asked for a filter, by filter; refusals included. */
  readonly subscribeCounts = new Map<string, number>();
  /** Filters held, by Client Identifier. */
  readonly #held = new Map<string, Set<string>>();
  #lines: string[] = [];
  #running = Promise.withResolvers<void>();
  #packet: { readonly kind: "SUBSCRIBE" | "UNSUBSCRIBE"; readonly clientId: string } | undefined;
  #asked: string | undefined;

  /** Settles when the broker started last accepts connections; rejects when it ended before. */
  get running(): Promise<void> {
    return this.#running.promise;
  }

  /** All lines since the first start. */
  get text(): string {
    return this.#lines.join("\n");
  }

  /** A process is about to start: nobody is connected to it. */
  begin(): void {
    this.#held.clear();
    this.#running = Promise.withResolvers();
    this.#running.promise.catch(() => {});
  }

  /** The process has ended. */
  end(): void {
    this.#held.clear();
    this.#running.reject(new Error("mosquitto has ended"));
  }

  /** The filters held now, sorted, one entry for each client that holds it. */
  subscriptions(): string[] {
    return [...this.#held.values()].flatMap((filters) => [...filters]).sort();
  }

  /** The Client Identifiers connected now, sorted. */
  clients(): string[] {
    return [...this.#held.keys()].sort();
  }

  /** Takes the next line. */
  add(line: string): void {
    this.#lines.push(line);
    const text = line.replace(/^\d+: /, "");
    if (/^mosquitto version \S+ running$/.test(text)) this.#running.resolve();
    else if (text.startsWith("\t")) this.#addFilter(text.slice(1));
    else if (this.#asked !== undefined) this.#addAnswer(text);
    else this.#addEvent(text);
  }

  #addEvent(text: string): void {
    const packet = /^Received (SUBSCRIBE|UNSUBSCRIBE) from (.*)$/.exec(text);
    if (packet) {
      const kind = packet[1] === "SUBSCRIBE" ? "SUBSCRIBE" : "UNSUBSCRIBE";
      this.#packet = { kind, clientId: packet[2] ?? "" };
      return;
    }
    const connected = /^New client connected from \S+ as (.*) \(p\d/.exec(text);
    if (connected) this.#held.set(connected[1] ?? "", new Set());
    const gone =
      /^Client (.*?) (?:\[[^\]]*\] )?(?:disconnected|closed its connection|already connected|has exceeded timeout)/
        .exec(text);
    if (gone) this.#held.delete(gone[1] ?? "");
  }

  /** A filter of the packet at hand: a SUBSCRIBE's is followed by a line with its outcome. */
  #addFilter(text: string): void {
    if (this.#packet?.kind === "SUBSCRIBE") {
      const filter = text.replace(/ \(QoS \d\)$/, "");
      this.subscribeCounts.set(filter, (this.subscribeCounts.get(filter) ?? 0) + 1);
      this.#asked = filter;
    } else if (this.#packet) {
      this.#held.get(this.#packet.clientId)?.delete(text);
    }
  }

  #addAnswer(text: string): void {
    const filter = this.#asked;
    this.#asked = undefined;
    if (filter === undefined || !this.#packet) return;
    const { clientId } = this.#packet;
    // The number is the QoS granted, or from 128 on the reason of the refusal.
    const granted = [0, 1, 2].some((qos) => text === `${clientId} ${qos} ${filter}`);
    if (granted) this.#held.get(clientId)?.add(filter);
    else if (!text.startsWith(`${clientId} `)) this.#addEvent(text);
  }
}
