/**
 * What the exit status of the program means.
 *
 * @module
 */

/** The command did what it should; the end of input and signals included. */
export const DONE = 0;
/** It failed while running. */
export const FAILED = 1;
/** The arguments or the config are wrong. */
export const WRONG_USAGE = 2;
