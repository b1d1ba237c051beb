/**
 * Reading text files: bounded, so that nothing hangs or fills the memory, and UTF-8 or refused.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { bounded } from "../wait.ts";

/** Where something begins, both from 1, the column in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The most bytes of a config. */
export const MAX_CONFIG_BYTES = 16 * 1024 * 1024;
/** The most bytes of a file that a config names. */
const MAX_NAMED_BYTES = 1024 * 1024;
/** How long a pipe may take. */
const PIPE_MS = 10_000;

/** A text that is refused. The message is a reason such as `it is a folder`, and shows nothing of it. */
export class UnreadableText extends Error {
  override readonly name = "UnreadableText";
  /** Of the first byte that is not UTF-8. */
  readonly position: Position | undefined;

  constructor(message: string, position?: Position) {
    super(message);
    this.position = position;
  }
}

/**
 * The text of a regular file, or of a pipe that a shell opened for the program (`/dev/stdin`,
 * `<(…)`), without a byte order mark.
 *
 * @param maxBytes default: 1 MiB.
 * @param pipeMs how long a pipe may take; default: 10 s.
 * @throws {UnreadableText} where it is larger, not UTF-8, or no file.
 * @throws what `Deno.open` does.
 */
export async function readTextFile(
  path: string,
  maxBytes = MAX_NAMED_BYTES,
  { pipeMs = PIPE_MS } = {},
): Promise<string> {
  const pipe = { maxBytes, timeoutMs: pipeMs };
  // Deno lets nobody open it by its path.
  if (path === "/dev/stdin") return decodeUtf8(await collect(Deno.stdin, pipe));
  const { isFile, isDirectory } = await Deno.stat(path);
  // A FIFO in a folder may never be opened at its other end; one by its descriptor has been.
  const isOpenPipe = /^\/(?:dev|proc\/self)\/fd\/\d+$/.test(path);
  if (isDirectory) throw new UnreadableText("it is a folder");
  if (!isFile && !isOpenPipe) throw new UnreadableText("it is no regular file");
  using file = await Deno.open(path);
  return decodeUtf8(await collect(file, isFile ? { maxBytes } : pipe));
}

/** What bytes are read from, as from a file. */
export interface ByteSource {
  read(into: Uint8Array): Promise<number | null>;
}

/**
 * All bytes of the source.
 *
 * @throws {UnreadableText} where there are more than `maxBytes`, or they take longer than `timeoutMs`.
 */
export async function collect(
  source: ByteSource,
  { maxBytes, timeoutMs = Infinity }: { readonly maxBytes: number; readonly timeoutMs?: number },
): Promise<Uint8Array> {
  const read = async (): Promise<Uint8Array> => {
    const into = new Uint8Array(65_536);
    const parts: Uint8Array[] = [];
    for (let length = 0;;) {
      const count = await source.read(into);
      if (count === null) return new Uint8Array(Buffer.concat(parts));
      length += count;
      if (length > maxBytes) throw new UnreadableText(`it has more than ${maxBytes} bytes`);
      parts.push(into.slice(0, count));
    }
  };
  // The first timer of a process costs some of its start.
  if (timeoutMs === Infinity) return await read();
  const onTimeout = (): never => {
    throw new UnreadableText(`it does not end within ${timeoutMs / 1000} s`);
  };
  return await bounded(read(), { timeoutMs, onTimeout });
}

/**
 * The text without a byte order mark. U+0000, which no text has, is UTF-16 read as UTF-8.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeUtf8 } from "./read_text.ts";
 *
 * assert(decodeUtf8(new Uint8Array([0xc3, 0xbc])) === "ü");
 * assert.throws(() => decodeUtf8(new Uint8Array([0xfc])), { position: { line: 1, column: 1 } });
 * ```
 *
 * @throws {UnreadableText} with the position of the first byte that is not UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  const text = decode(bytes);
  const [sound = ""] = (text ?? soundStart(bytes)).split("\0", 1);
  if (sound === text) return text;
  const lines = sound.split(/\r\n|\r|\n/);
  const position = { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
  throw new UnreadableText(`it is not UTF-8${likelyEncoding(bytes)}; save it as UTF-8`, position);
}

/** What a text is instead, if that can be told. */
function likelyEncoding(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isMarked = first === 0xFF && second === 0xFE || first === 0xFE && second === 0xFF;
  if (isMarked || bytes.subarray(0, 100).includes(0)) {
    return " but UTF-16, as Windows PowerShell writes it";
  }
  return " but perhaps Latin-1 (ISO 8859-1)";
}

/** The text up to the first character that is broken or cut off. */
function soundStart(bytes: Uint8Array): string {
  // What is broken comes back as another character.
  const lenient = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const again = new TextEncoder().encode(lenient);
  const broken = bytes.findIndex((byte, at) => byte !== again[at]);
  return decode(bytes.subarray(0, broken), { stream: true }) ?? "";
}

/** Undefined where it is not UTF-8; as a stream it may end within a character, which is left out. */
function decode(bytes: Uint8Array, options?: TextDecodeOptions): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, options);
  } catch (cause) {
    if (cause instanceof TypeError) return undefined;
    throw cause;
  }
}

/** Why a file could not be read, without its content. */
export function readFailure(cause: unknown): string {
  if (cause instanceof UnreadableText) {
    const { line, column } = cause.position ?? {};
    const at = line === undefined ? "" : ` at line ${line}, column ${column}`;
    return cause.message.replace(/(?=;|$)/, at);
  }
  if (cause instanceof Deno.errors.NotFound) return "it does not exist";
  if (cause instanceof Deno.errors.PermissionDenied) return "the system does not permit it";
  if (cause instanceof Deno.errors.NotCapable) {
    return "Deno was started without permission to read it";
  }
  return cause instanceof Error ? cause.name : "for an unknown reason";
}
