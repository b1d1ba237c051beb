/**
 * Waiting with a bound and an end.
 *
 * @module
 */

/** Bounds of a wait. */
export interface WaitOptions {
  /** Milliseconds; not bounded where it is left out. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What to throw when the time is up. */
  readonly onTimeout?: () => Error;
}

/**
 * Waits for `promise`, but not longer than the options allow. The promise itself goes on; its late
 * rejection is not reported.
 *
 * @throws the signal's reason when it is aborted, and what `onTimeout` gives when the time is up.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { bounded } from "./async.ts";
 *
 * assert(await bounded(Promise.resolve(1), { timeoutMs: 1000 }) === 1);
 * ```
 */
export async function bounded<T>(promise: Promise<T>, options: WaitOptions): Promise<T> {
  const { timeoutMs, signal, onTimeout } = options;
  promise.catch(() => {});
  signal?.throwIfAborted();
  const { promise: end, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal?.reason);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => {
    reject(onTimeout?.() ?? new DOMException("the time is up", "TimeoutError"));
  }, timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Waits for the work, but not longer than `ms`; it goes on by itself. */
export async function within(ms: number, work: PromiseLike<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for a time, or until the signal is aborted.
 *
 * @returns whether the whole time has passed.
 */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  if (signal.aborted) return Promise.resolve(false);
  const onAbort = (): void => {
    clearTimeout(timer);
    resolve(false);
  };
  const timer = setTimeout(() => {
    signal.removeEventListener("abort", onAbort);
    resolve(true);
  }, ms);
  signal.addEventListener("abort", onAbort, { once: true });
  return promise;
}

/** A bounded number of places; who finds none waits in line. */
export class Semaphore {
  #free: number;
  readonly #line: Array<() => void> = [];

  constructor(places: number) {
    this.#free = places;
  }

  /**
   * Takes a place.
   *
   * @returns a function that gives the place back; further calls of it do nothing.
   * @throws the signal's reason when it is aborted while in line.
   */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const place = this.tryAcquire();
    if (place !== undefined) return place;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const at = this.#line.indexOf(resolve);
      if (at >= 0) this.#line.splice(at, 1);
      reject(signal.reason);
    };
    this.#line.push(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    return this.#releaser();
  }

  /** Takes a place where one is free; see {@linkcode Semaphore.acquire}. */
  tryAcquire(): (() => void) | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#releaser();
  }

  #releaser(): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#line.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
