/**
 * Where commands print.
 *
 * @module
 */

/** stdout for what was asked for, stderr for all else. */
export interface Io {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** The process's own. A reader that has gone away is no reason to fail. */
export const processIo: Io = {
  stdout: (text) => writeAll(Deno.stdout, text),
  stderr: (text) => writeAll(Deno.stderr, text),
};

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
