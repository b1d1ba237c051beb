/**
 * Waiting, always with a bound or an end.
 *
 * @module
 */

/** Bounds of a wait. */
export interface WaitOptions<Late = never> {
  /** Milliseconds; not bounded if it is left out. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What comes of it when the time is up; by default a `TimeoutError` is thrown. */
  readonly onTimeout?: () => Late;
}

/**
 * Waits for `promise`, but not longer than the options allow. The promise itself goes on; its late
 * rejection is not reported.
 *
 * @returns what the promise gives, or what `onTimeout` gives when the time is up.
 * @throws the signal's reason when it is aborted; what `onTimeout` throws.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { bounded } from "./wait.ts";
 *
 * assert(await bounded(Promise.resolve(1), { timeoutMs: 1000 }) === 1);
 * const never = new Promise<void>(() => {});
 * assert(await bounded(never, { timeoutMs: 1, onTimeout: () => "late" }) === "late");
 * ```
 */
export async function bounded<T, Late = never>(
  promise: Promise<T>,
  { timeoutMs, signal, onTimeout = timeIsUp }: WaitOptions<Late>,
): Promise<T | Late> {
  promise.catch(() => {});
  signal?.throwIfAborted();
  const { promise: end, resolve, reject } = Promise.withResolvers<Late>();
  const onAbort = (): void => reject(signal?.reason);
  const timer = timeoutMs === undefined ? undefined : setTimeout(
    () => new Promise<Late>((settle) => settle(onTimeout())).then(resolve, reject),
    timeoutMs,
  );
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function timeIsUp(): never {
  throw new DOMException("the time is up", "TimeoutError");
}

/**
 * Waits for a time, or until the signal is aborted.
 *
 * @returns whether the whole time has passed.
 */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const onAbort = (): void => resolve(false);
  const timer = setTimeout(() => resolve(true), ms);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const isWhole = await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", onAbort);
  return isWhole;
}

/** Seconds since a reading of `performance.now()`, to the millisecond. */
export function secondsSince(startMs: number): number {
  return Math.round(performance.now() - startMs) / 1000;
}
