/** What every broker of the tests can do, whichever it is. */

/** The version of MQTT a test client is to speak. */
export type ProtocolVersion = "5" | "3.1.1";

/** A real broker on a free port of the loopback. */
export interface TestBroker extends AsyncDisposable {
  readonly name: "aedes" | "mosquitto";
  readonly host: string;
  readonly port: number;
  /** `mqtt://host:port` */
  readonly url: string;
  /**
   * The topic filters that connected clients hold now, sorted, one entry for each client that holds
   * it. mosquitto's are read from its log, which may trail the client by a moment: ask with `until()`.
   */
  subscriptions(): string[];
  /** The Client Identifiers connected now, sorted. */
  clients(): string[];
  /** How often a client has subscribed to a filter since the start, by filter. */
  subscribeCounts(): ReadonlyMap<string, number>;
  /** Ends it as a crash would: connections are torn, what it remembers is lost. */
  kill(): Promise<void>;
  /** Starts it again on the same port; kills it first where it still runs. */
  restart(): Promise<void>;
  close(): Promise<void>;
}
