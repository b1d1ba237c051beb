/**
 * The command by which an agent host starts the program that is running.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** A command and its first arguments, as a host's configuration has them. */
export interface HostCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** How the program was started. */
export interface RunningProgram {
  /** True for the compiled executable. */
  readonly isStandalone: boolean;
  readonly execPath: string;
  /** A `file:` URL. */
  readonly mainModule: string;
  readonly denoVersion: string;
}

/** How a person starts this program once more, in a shell; quoted for none. */
export function shellCommand(program: RunningProgram = thisProgram()): string {
  if (program.isStandalone) return "mcpmqtt";
  const { command, args } = hostCommand(program);
  return [command, ...args].join(" ");
}

/** This process. */
function thisProgram(): RunningProgram {
  const { build, mainModule, version } = Deno;
  const execPath = Deno.execPath();
  return { isStandalone: build.standalone, execPath, mainModule, denoVersion: version.deno };
}

/**
 * A command that goes on working: what lies in a package cache may be gone tomorrow, so that it is named
 * by its package and not by its path.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { hostCommand } from "./host_command.ts";
 *
 * const { command, args } = hostCommand({
 *   isStandalone: false,
 *   execPath: "/home/me/.npm/_npx/1a/node_modules/deno/deno",
 *   mainModule: "file:///home/me/.npm/_npx/1a/node_modules/mcpmqtt/program/main.js",
 *   denoVersion: "2.9.6",
 * });
 * assert.deepEqual([command, ...args], ["npx", "-y", "mcpmqtt"]);
 * ```
 */
export function hostCommand(program: RunningProgram = thisProgram()): HostCommand {
  const { isStandalone, execPath, mainModule, denoVersion } = program;
  if (isStandalone) return { command: execPath, args: [] };
  if (mainModule.endsWith("/node_modules/mcpmqtt/program/main.js")) {
    return { command: "npx", args: ["-y", "mcpmqtt"] };
  }
  const run = ["run", "-q", "-P", fileURLToPath(mainModule)];
  return /[\\/]node_modules[\\/]/.test(execPath)
    ? { command: "npx", args: ["-y", `deno@${denoVersion}`, ...run] }
    : { command: execPath, args: run };
}
