/**
 * `mcpmqtt init [PATH]`.
 *
 * @module
 */

import { defaultConfigPath } from "../../config/load.ts";
import { shellCommand } from "../host_command.ts";
import type { Invocation } from "../options.ts";
import { askForConfig, type Dialog, Stopped } from "./init_dialog.ts";

/** What the command prints with. */
export interface InitIo {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Asks a person; left out where nobody is there. */
  readonly dialog?: Dialog | undefined;
}

/** A config that grants nothing yet and shows how. */
export const STARTER_CONFIG = `{
  // The config of mcpmqtt: JSON with comments and trailing commas.
  // "mcpmqtt check" says what it grants and tries the broker;
  // "mcpmqtt schema" prints the JSON Schema, which editors can use.

  "mqtt": {
    "host": "localhost",
    "port": 1883,

    // For a broker that asks for them. A password is better kept out of this file: the environment
    // variable MCPMQTT_PASSWORD sets it, and "\${file:PATH}" takes it from another file.
    "username": null,
    "password": null,

    // "tls" for an encrypted connection (then leave out "port", or set it to 8883).
    "transport": "tcp",
  },

  // What an agent may read (subscribe to) and write (publish to). Nothing else is allowed.
  // "+" stands for one level, "#" at the end for all that follow.
  // Take out the slashes, and put in your own topics.
  "topics": [
    // {
    //   "pattern": "sensors/+/temperature",
    //   "permissions": ["read"],
    //   "description": "Temperature in °C, one for each room, every 10 s",
    // },
    // {
    //   "pattern": "actuators/lights/#",
    //   "permissions": ["read", "write"],
    //   "description": "Publish anything to actuators/lights/ROOM/on or /off",
    // },
    // {
    //   "pattern": "actuators/lights/garage/#",
    //   "deny": ["write"], // wins over the grant above
    // },
  ],

  // true: nothing can be written, whatever the topics above grant.
  "read_only": false,

  "logging": {
    "level": "INFO",
    "logfile": null,
  },
}
`;

/** Where `init` writes: the path given, that of `--config` or `MCPMQTT_CONFIG`, or the default. */
export function initPath(
  { path, options }: Extract<Invocation, { command: "init" }>,
): { readonly target: string | undefined; readonly isDefault: boolean } {
  const given = path ?? options.config ?? (Deno.env.get("MCPMQTT_CONFIG") || undefined);
  return { target: given ?? defaultConfigPath(), isDefault: given === undefined };
}

/**
 * Writes a config: what the dialog with a person gives, else the starter. A file that is there stays
 * as it is. The exit status is 0 when it was written, else 1.
 */
export async function runInit(
  invocation: Extract<Invocation, { command: "init" }>,
  io: InitIo,
): Promise<number> {
  const { target, isDefault } = initPath(invocation);
  if (target === undefined) {
    io.stderr("there is no HOME to put the config in; write mcpmqtt init PATH\n");
    return 1;
  }
  try {
    // Before anything is asked: nobody should answer for nothing.
    if (await exists(target)) throw new Deno.errors.AlreadyExists();
    const text = io.dialog === undefined ? STARTER_CONFIG : await askForConfig(io.dialog);
    const folder = target.replace(/[/\\]?[^/\\]*$/, "");
    if (folder !== "") await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(target, text, { createNew: true, mode: 0o600 });
  } catch (cause) {
    const isLeft = cause instanceof Stopped;
    io.stderr(isLeft ? "\nLeft; nothing was written.\n" : `${target}: ${whyNot(cause)}\n`);
    return 1;
  }
  const next = io.dialog === undefined ? "Put in your broker and topics, then run" : "Now run";
  const config = isDefault ? "" : ` --config ${target}`;
  io.stdout(`Wrote ${target}. ${next}: ${shellCommand()} check${config}\n`);
  return 0;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}

function whyNot(cause: unknown): string {
  if (cause instanceof Deno.errors.AlreadyExists) {
    return "is there already and stays as it is; give another path, or move it away";
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `cannot be written (${reason}); give another path`;
}
