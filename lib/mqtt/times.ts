/**
 * How long the connection waits for what.
 *
 * @module
 */

/** All in milliseconds. */
export interface Times {
  /** For the acknowledgement of a PUBLISH. */
  readonly publishMs: number;
  /** For a SUBACK or UNSUBACK. */
  readonly acknowledgementMs: number;
  /** How long a further lane is kept without a subscription. */
  readonly idleLaneMs: number;
  /**
   * How long nothing may have come any more of a subscription that the broker went on to serve after
   * its UNSUBACK, until its filter is used again.
   */
  readonly quietMs: number;
}

/** What the program takes; tests take less. */
export const TIMES: Times = {
  publishMs: 10_000,
  acknowledgementMs: 10_000,
  idleLaneMs: 60_000,
  quietMs: 1_000,
};
