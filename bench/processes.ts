/**
 * Programs in processes of their own, which speak JSON, one value a line.
 *
 * @module
 */
import { TextLineStream } from "../tests/brokers/text_line_stream.ts";

/** In what Linux counts processor time, in milliseconds. */
const TICK_MS = 10;

/** The folder of this project, with a slash at its end. */
export const ROOT = new URL("..", import.meta.url).pathname;

/** A program of `bench/programs/` that runs. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Writes a line. */
  tell(value: unknown): Promise<void>;
  /** The next line that it prints. */
  // deno-lint-ignore no-explicit-any -- both ends are in this folder
  hear(): Promise<any>;
}

/**
 * Starts `bench/programs/NAME.ts`, with the flags of `deno run` in place of `-A`; disposing of it ends
 * its input and waits for its end.
 */
export function startProgram(
  name: string,
  args: readonly string[] = [],
  { flags = ["-A"] }: { readonly flags?: readonly string[] } = {},
): Program {
  const program = `${ROOT}bench/programs/${name}.ts`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, `--config=${ROOT}deno.json`, program, ...args],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  const encoder = new TextEncoder();
  return {
    pid: child.pid,
    tell: (value) => input.write(encoder.encode(`${JSON.stringify(value)}\n`)),
    async hear(): Promise<unknown> {
      const { done, value } = await lines.read();
      if (done) throw new Error(`the program ${name} ended before it answered`);
      return JSON.parse(value);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await input.close().catch(() => {});
      await lines.cancel();
      await child.status;
    },
  };
}

/**
 * Spawns a command and waits for the first byte on its stdout, or for the text `until`, in milliseconds;
 * then ends its input and waits for its end.
 *
 * @throws when it ends without it
 */
export async function timeToFirstByte(
  args: readonly string[],
  options: { readonly input?: string; readonly until?: string } = {},
): Promise<number> {
  const { input: lines = "", until = "" } = options;
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const input = child.stdin.getWriter();
  // A script that reads nothing may have ended.
  input.write(new TextEncoder().encode(lines)).catch(() => {});
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let done: boolean;
  do {
    const read = await output.read();
    ({ done } = read);
    text += read.value ?? "";
  } while (!done && !text.includes(until));
  const elapsedMs = performance.now() - start;
  await input.close().catch(() => {});
  await output.cancel();
  await child.status;
  if (done) throw new Error(`deno ${args.join(" ")} did not print ${until || "anything"}`);
  return elapsedMs;
}

/** The memory of a process, in MB; undefined where there is no `/proc`. */
export async function memoryOf(
  pid: number,
): Promise<{ readonly nowMb: number; readonly peakMb: number } | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kilobytes = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { nowMb: kilobytes("VmRSS") / 1024, peakMb: kilobytes("VmHWM") / 1024 };
}

/** The processor time that a process has taken, in milliseconds; `NaN` where there is no `/proc`. */
export async function cpuMsOf(pid: number): Promise<number> {
  if (Deno.build.os !== "linux") return NaN;
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name of the program may have spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
