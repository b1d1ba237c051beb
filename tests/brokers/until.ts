/** Waiting for a state that announces itself by no event. */

/** Longer than anything takes on a machine that has much else to do. */
export const DEADLINE_MS = 15_000;

/** What a machine with much else to do may add to a time that is measured. */
export const BUSY_MS = 2_000;

/** How often a test is tried again whose claim is a time that only a calm machine keeps. */
export const TIMED_RETRIES = 2;

/** How {@linkcode until} waits. */
export interface UntilOptions {
  /** Default {@linkcode DEADLINE_MS}. */
  readonly deadlineMs?: number;
  /** Names what is waited for, in the error; a function is asked at the deadline. */
  readonly what?: string | (() => string);
}

/**
 * Asks `probe` every few milliseconds until it gives something truthy, and gives that.
 *
 * @throws when it did not within the deadline
 */
export async function until<T>(
  probe: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<T> {
  const { deadlineMs = DEADLINE_MS, what = "the awaited state" } = options;
  const deadline = performance.now() + deadlineMs;
  while (true) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > deadline) {
      const name = typeof what === "function" ? what() : what;
      throw new Error(`Waited ${deadlineMs} ms in vain for ${name}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * Gives what `promise` gives, or fails after `deadlineMs`; the timer is gone either way.
 *
 * @throws when the deadline passes first
 */
export async function within<T>(
  promise: Promise<T>,
  deadlineMs: number,
  what = "the awaited event",
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${deadlineMs} ms in vain for ${what}`)),
      deadlineMs,
    );
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}
