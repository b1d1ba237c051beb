/** Timers that go off when the test says so. */

type Timer = { readonly run: () => void; readonly at: number };

/** Takes the place of `setTimeout` until it is disposed of; for code that waits for nothing else. */
export class ManualTimers implements Disposable {
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  readonly #timers = new Map<number, Timer>();
  #nowMs = 0;
  #last = 0;

  constructor() {
    globalThis.setTimeout = ((run: () => void, ms = 0): number => {
      this.#timers.set(++this.#last, { run, at: this.#nowMs + ms });
      return this.#last;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((id: number): void => {
      this.#timers.delete(id);
    }) as unknown as typeof clearTimeout;
  }

  /** How many have neither gone off nor been cleared. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets what is due within `ms` go off, in its order. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (true) {
      const due = [...this.#timers].filter(([, { at }]) => at <= untilMs);
      const [first] = due.sort(([, a], [, b]) => a.at - b.at);
      if (first === undefined) break;
      const [id, { run, at }] = first;
      this.#timers.delete(id);
      this.#nowMs = at;
      run();
    }
    this.#nowMs = untilMs;
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}

/** Lets all that waits for nothing but promises go on. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}
