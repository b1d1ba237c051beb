/**
 * What a producer is: software of others that describes its devices on MQTT by a convention.
 *
 * @module
 */

/** A producer, and how it is made to speak. */
export interface Producer {
  /** Of the recording, `tests/devices/recordings/<name>.json`. */
  readonly name: string;
  /** Of the file in `programs/`; what it ends in says what runs it. */
  readonly program: string;
  /** What it needs, with exact versions: `name@version` of npm or `name==version` of PyPI. */
  readonly packages: readonly string[];
  /** Each is a process of its own, one after the other. */
  readonly runs: readonly Run[];
  /** Topics that are not kept. */
  readonly leftOut?: readonly RegExp[];
  /** Topics of large retained messages: only the last of each is kept. */
  readonly lastOnly?: readonly RegExp[];
  /** For the reader of the recording: what was faked, what is left out and why. */
  readonly note: string;
}

/**
 * One process. It is called with the broker's host and port and `args`, and says `recorded` on a
 * line of its own when it has published everything.
 */
export interface Run {
  readonly args: readonly string[];
  /**
   * `kept` goes on until all is recorded; `killed` is then killed as a loss of power would, so that
   * its will is published.
   */
  readonly end: "kept" | "killed";
}
