/** A TCP proxy between a client and a broker that does to their connection what networks do. */

import { type HeldPort, holdPort } from "./ports.ts";
import { type Line, ProxyConnection } from "./proxy_connection.ts";

/** Where the proxy connects to. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

const HOST = "127.0.0.1";

/** A fault-injecting proxy on a free port of the loopback; it starts passing everything through. */
export class FaultProxy implements AsyncDisposable {
  readonly host = HOST;
  readonly #heldPort: HeldPort = holdPort();
  readonly port: number = this.#heldPort.port;
  #listener: Deno.TcpListener | undefined;
  #accepting: Promise<void> = Promise.resolve();
  #accepted = 0;
  #delayMs = 0;
  #swallow = false;
  #gate = openGate();
  #bytesUntilCut: number | undefined;
  #whenCut = Promise.withResolvers<void>();
  readonly #connections = new Map<ProxyConnection, Promise<void>>();
  readonly #target: () => Target;

  /** Listens at once. */
  constructor(target: Target | (() => Target)) {
    this.#target = typeof target === "function" ? target : (): Target => target;
    this.accept();
  }

  /** `mqtt://host:port` */
  get url(): string {
    return `mqtt://${this.host}:${this.port}`;
  }

  /** Connections open now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Connections accepted since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Closes every connection on both sides; new ones are accepted. */
  async cut(): Promise<void> {
    const ended = [...this.#connections.values()];
    for (const connection of this.#connections.keys()) connection.close();
    this.#whenCut.resolve();
    await Promise.all(ended);
  }

  /**
   * Cuts when `bytesFromBroker` more bytes have gone to clients, all connections together: in the
   * middle of a packet where that is where the number falls. Resolves when it has been cut.
   */
  cutAfter(bytesFromBroker: number): Promise<void> {
    this.#bytesUntilCut = bytesFromBroker;
    this.#whenCut = Promise.withResolvers();
    return this.#whenCut.promise;
  }

  /** Holds back everything in both directions until {@linkcode FaultProxy.resume}; nothing is lost. */
  stall(): void {
    if (this.#gate.isOpen) this.#gate = closedGate();
  }

  /** Swallows everything in both directions and closes nothing, as a cable pulled out does. */
  halfOpen(): void {
    this.#swallow = true;
  }

  /** Ends {@linkcode FaultProxy.stall}, {@linkcode FaultProxy.halfOpen} and {@linkcode FaultProxy.delay}. */
  resume(): void {
    this.#swallow = false;
    this.#delayMs = 0;
    this.#gate.open();
  }

  /** Passes each chunk on so much later, in both directions. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Writes bytes to every client that the broker never sent; default: no packet of any protocol. */
  async garbage(bytes: Uint8Array<ArrayBuffer> = JUNK): Promise<void> {
    await Promise.all([...this.#connections.keys()].map((connection) => connection.inject(bytes)));
  }

  /** Refuses new connections, as a host without a broker does; open ones go on. */
  async refuse(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    await this.#accepting;
  }

  /** Accepts connections again, on the same port. */
  accept(): void {
    if (this.#listener) return;
    this.#acceptOn(Deno.listen({ hostname: HOST, port: this.port }));
  }

  /** Closes everything. */
  async close(): Promise<void> {
    await this.refuse();
    this.resume();
    await this.cut();
    this.#heldPort[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #acceptOn(listener: Deno.TcpListener): void {
    this.#listener = listener;
    this.#accepting = this.#acceptAll(listener);
  }

  async #acceptAll(listener: Deno.TcpListener): Promise<void> {
    for await (const client of listener) {
      this.#accepted++;
      const connection = new ProxyConnection(client, this.#line());
      const ended = connection.run(this.#target()).then(() => {
        this.#connections.delete(connection);
      });
      this.#connections.set(connection, ended);
    }
  }

  #line(): Line {
    // deno-lint-ignore no-this-alias -- the getters below have a `this` of their own
    const proxy = this;
    return {
      get open(): Promise<void> {
        return proxy.#gate.passed;
      },
      get delayMs(): number {
        return proxy.#delayMs;
      },
      get swallow(): boolean {
        return proxy.#swallow;
      },
      allow: (bytesFromBroker) => this.#allow(bytesFromBroker),
      cut: () => void this.cut(),
    };
  }

  #allow(bytesFromBroker: number): { bytes: number; last: boolean } {
    const left = this.#bytesUntilCut;
    if (left === undefined) return { bytes: bytesFromBroker, last: false };
    const last = bytesFromBroker >= left;
    this.#bytesUntilCut = last ? undefined : left - bytesFromBroker;
    return { bytes: Math.min(left, bytesFromBroker), last };
  }
}

/** 0xF0 is the packet type that 3.1.1 reserves, 0xFF… a Remaining Length that is none [MQTT-1.5.5]. */
const JUNK = new Uint8Array([0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x13, 0x37]);

interface Gate {
  readonly isOpen: boolean;
  readonly passed: Promise<void>;
  open(): void;
}

function openGate(): Gate {
  return { isOpen: true, passed: Promise.resolve(), open: (): void => {} };
}

function closedGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isOpen = false;
  return {
    get isOpen(): boolean {
      return isOpen;
    },
    passed: promise,
    open: (): void => {
      isOpen = true;
      resolve();
    },
  };
}
