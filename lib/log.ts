/**
 * The log: one entry a line, to stderr and to a file where one is set, with secrets taken out.
 * stdout is never written to. The format is `docs/logging.md`.
 *
 * @module
 */

import { escapeUnseen } from "./text.ts";

/** From the most to the least talkative. */
export const LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What an entry says; a function is called only where the entry is written. */
export type LogText = string | (() => string);

/** Writes entries under one name. */
export interface Logger {
  debug(text: LogText): void;
  info(text: LogText): void;
  warning(text: LogText): void;
  error(text: LogText): void;
  critical(text: LogText): void;
}

/** Where the text of the log goes beside the file: stderr, or a test's own. */
export interface LogSink {
  write(bytes: Uint8Array): Promise<number>;
}

/** How {@linkcode openLog} opens the log. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Appended to; its folder is made where it is missing. */
  readonly logfile?: string | undefined;
  /** Values that never appear in an entry. */
  readonly secrets?: readonly string[];
  /** Default: stderr. */
  readonly sink?: LogSink;
  /** What goes there, if that is less than what goes to the file. */
  readonly sinkLevel?: LogLevel;
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly now?: () => number;
}

/** What waits for a slow reader of stderr; more is dropped, so that it never holds up the server. */
const MAX_PENDING_BYTES = 1 << 20;
/** How long {@linkcode Log.close} waits for that reader. */
const CLOSE_WAIT_MS = 500;

/** An open log. */
export class Log implements AsyncDisposable {
  readonly #threshold: number;
  readonly #sinkThreshold: number;
  readonly #redact: (text: string) => string;
  readonly #sink: LogSink;
  readonly #now: () => number;
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile | undefined;
  #writing: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #dropped = 0;
  #closed = false;

  constructor(options: LogOptions) {
    this.#threshold = LOG_LEVELS.indexOf(options.level);
    this.#sinkThreshold = LOG_LEVELS.indexOf(options.sinkLevel ?? options.level);
    this.#redact = redactor(options.secrets ?? []);
    this.#sink = options.sink ?? Deno.stderr;
    this.#now = options.now ?? Date.now;
    if (options.logfile !== undefined) this.#open(options.logfile);
  }

  /** A logger whose entries bear `name`, as in `mcpmqtt.connection`. */
  logger(name: string): Logger {
    return {
      debug: (text) => this.#enter("DEBUG", name, text),
      info: (text) => this.#enter("INFO", name, text),
      warning: (text) => this.#enter("WARNING", name, text),
      error: (text) => this.#enter("ERROR", name, text),
      critical: (text) => this.#enter("CRITICAL", name, text),
    };
  }

  /** Waits until all entries so far are written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Writes what is left, waiting 0.5 s at most for stderr, and closes the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_WAIT_MS);
    await Promise.race([this.#writing, promise]);
    clearTimeout(timer);
    this.#file?.close();
    this.#file = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(path: string): void {
    try {
      const folder = path.replace(/[^/\\]*$/, "");
      if (folder !== "") Deno.mkdirSync(folder, { recursive: true });
      this.#file = Deno.openSync(path, { append: true, create: true });
    } catch (cause) {
      this.#logWarning(`cannot open the log file ${path} (${reason(cause)}); stderr only`);
    }
  }

  #logWarning(text: string): void {
    this.#enter("WARNING", "mcpmqtt.log", text);
  }

  #enter(level: LogLevel, name: string, text: LogText): void {
    if (this.#closed || LOG_LEVELS.indexOf(level) < this.#threshold) return;
    const said = escapeUnseen(this.#redact(typeof text === "string" ? text : text()));
    const bytes = this.#encoder.encode(
      `${timestamp(this.#now())} - ${name} - ${level} - ${said}\n`,
    );
    this.#writeFile(bytes);
    if (LOG_LEVELS.indexOf(level) >= this.#sinkThreshold) this.#writeSink(bytes);
  }

  #writeFile(bytes: Uint8Array): void {
    try {
      for (let at = 0; this.#file && at < bytes.length;) {
        at += this.#file.writeSync(bytes.subarray(at));
      }
    } catch (cause) {
      this.#file?.close();
      this.#file = undefined;
      this.#logWarning(`cannot write to the log file (${reason(cause)}); stderr only from here on`);
    }
  }

  #writeSink(bytes: Uint8Array): void {
    if (this.#pendingBytes + bytes.length > MAX_PENDING_BYTES) {
      this.#dropped++;
      return;
    }
    this.#pendingBytes += bytes.length;
    this.#writing = this.#writing.then(async () => {
      // A closed stderr is no reason to stop serving, and leaves nobody to tell.
      await writeAll(this.#sink, bytes).catch(() => {});
      this.#pendingBytes -= bytes.length;
      if (this.#dropped > 0 && this.#pendingBytes === 0) this.#tellDropped();
    });
  }

  #tellDropped(): void {
    const count = this.#dropped;
    this.#dropped = 0;
    this.#logWarning(`${count} entries were not written to stderr, which was not read fast enough`);
  }
}

/**
 * Opens the log. A file that cannot be opened is a warning in the log, not an error.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openLog } from "./log.ts";
 *
 * const lines: string[] = [];
 * const sink = {
 *   write(bytes: Uint8Array): Promise<number> {
 *     lines.push(new TextDecoder().decode(bytes));
 *     return Promise.resolve(bytes.length);
 *   },
 * };
 * await using log = openLog({ level: "INFO", secrets: ["hunter2"], sink });
 * log.logger("mcpmqtt.connection").info("the password is hunter2");
 * await log.flush();
 * assert(lines[0]?.endsWith(" - mcpmqtt.connection - INFO - the password is ***\n"));
 * ```
 */
export function openLog(options: LogOptions): Log {
  return new Log(options);
}

async function writeAll(sink: LogSink, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await sink.write(bytes.subarray(at));
}

/** Local time, as Python's `asctime` has it: `2026-01-02 03:04:05,678`. */
function timestamp(ms: number): string {
  const t = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  const date = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  const time = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  return `${date} ${time},${String(t.getMilliseconds()).padStart(3, "0")}`;
}

/**
 * Takes out each secret as it is, and as it stands in a URL or in JSON. One of a single character is left: to
 * take it out would spoil every line, and show what it is.
 */
function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < 2) continue;
    forms.add(secret);
    forms.add(JSON.stringify(secret).slice(1, -1));
    if (secret.isWellFormed()) forms.add(encodeURIComponent(secret));
  }
  if (forms.size === 0) return (text) => text;
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map((form) => RegExp.escape(form)).join("|"), "g");
  return (text) => text.replace(pattern, "***");
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
