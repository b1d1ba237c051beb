/**
 * Waiting in a tool: for an event, for a time, or for the end of the call.
 *
 * @module
 */

/**
 * Waits for `event`, at most `timeoutMs`.
 *
 * @returns what the event gives, or `timeout`.
 * @throws the signal's reason when the call is cancelled; what the event rejects with.
 */
export async function eventOrTimeout<T>(
  event: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T | "timeout"> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => resolve("timeout"), timeoutMs);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([event, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Seconds since a reading of `performance.now()`, to the millisecond. */
export function secondsSince(startMs: number): number {
  return Math.round(performance.now() - startMs) / 1000;
}
