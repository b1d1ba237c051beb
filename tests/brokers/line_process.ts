/** A process that is spoken to in lines. */

import { TextLineStream } from "./text_line_stream.ts";
import { DEADLINE_MS, within } from "./until.ts";

/** What to start. */
export interface LineCommand {
  readonly command: string;
  readonly args: string[];
  /** The whole environment. */
  readonly env: Record<string, string>;
  readonly cwd: string;
}

/** The process; disposing it ends its input, and kills it where it then goes on for 3 s. */
export interface LineProcess extends AsyncDisposable {
  readonly pid: number;
  /** Every line on stdout so far, as it came. */
  readonly lines: readonly string[];
  stderr(): string;
  /** Writes the line and a line break. */
  sendLine(line: string): Promise<void>;
  /** Ends its input. */
  closeInput(): Promise<void>;
  signal(signal: Deno.Signal): void;
  /** Throws where `onLine` has thrown. */
  assertSound(): void;
  /** Resolves when it has ended, with its status and how long that took from this call. */
  ended(deadlineMs?: number): Promise<Deno.CommandStatus & { elapsedMs: number }>;
}

const GRACE_MS = 3_000;

/** Starts it, and calls `onLine` with each line on its stdout. */
export function startLineProcess(
  { command, args, env, cwd }: LineCommand,
  onLine: (line: string) => void,
): LineProcess {
  const child = new Deno.Command(command, {
    args,
    env,
    cwd,
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  let errors = "";
  let fault: Error | undefined;
  const stdoutRead = (async () => {
    const decoded = child.stdout.pipeThrough(new TextDecoderStream("utf-8", { fatal: true }));
    for await (const line of decoded.pipeThrough(new TextLineStream())) {
      lines.push(line);
      try {
        onLine(line);
      } catch (cause) {
        fault ??= new Error(`stdout carries an unsound line: ${line}`, { cause });
      }
    }
  })();
  const stderrRead = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) errors += text;
  })();
  const stdoutSound = stdoutRead.catch((cause) => {
    fault ??= new Error("stdout carries bytes that are not UTF-8", { cause });
  });
  const over = Promise.all([child.status, stdoutSound, stderrRead]);

  const input = child.stdin.getWriter();
  let inputClosed: Promise<void> | undefined;
  // A process that has ended has closed the pipe already.
  const closeInput = (): Promise<void> => inputClosed ??= input.close().catch(() => {});
  const assertSound = (): void => {
    if (fault) throw fault;
  };
  return {
    pid: child.pid,
    lines,
    stderr: () => errors,
    sendLine: (line) => input.write(new TextEncoder().encode(`${line}\n`)),
    closeInput,
    signal: (signal) => child.kill(signal),
    assertSound,
    async ended(deadlineMs = DEADLINE_MS): Promise<Deno.CommandStatus & { elapsedMs: number }> {
      const start = performance.now();
      const [status] = await within(over, deadlineMs, "the process to end");
      assertSound();
      return { ...status, elapsedMs: performance.now() - start };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await closeInput();
      try {
        await within(over, GRACE_MS);
      } catch {
        child.kill("SIGKILL");
        await over;
      }
    },
  };
}
