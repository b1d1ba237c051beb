/**
 * A bound on what a computation may cost.
 *
 * @module
 */

/**
 * Some tenths of a second: a step takes 20 to 100 ns. Unlike a limit of time it has the same effect
 * on every machine.
 */
const MAX_STEPS = 5_000_000;

/** What {@linkcode Steps.take} throws, for {@linkcode attempt} to catch. */
class TooManySteps extends Error {
  override readonly name = "TooManySteps";
}

/** The steps that an {@linkcode attempt} may still take. */
export class Steps {
  #left = MAX_STEPS;

  /** Takes steps. If there are not as many left, it ends the attempt. */
  take(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw new TooManySteps(`more than ${MAX_STEPS} steps`);
  }
}

/**
 * Computes what might take much too long.
 *
 * @param compute takes the steps that it costs, at most 5 million
 * @param otherwise gives the result if that is not enough
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { attempt } from "./steps.ts";
 *
 * const answer = attempt((steps) => {
 *   while (true) steps.take(1);
 * }, () => "no answer");
 * assert.equal(answer, "no answer");
 * ```
 */
export function attempt<T, U>(compute: (steps: Steps) => T, otherwise: () => U): T | U {
  try {
    return compute(new Steps());
  } catch (error) {
    if (error instanceof TooManySteps) return otherwise();
    throw error;
  }
}
