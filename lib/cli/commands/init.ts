/**
 * `mcpmqtt init [PATH]`.
 *
 * @module
 */

import { defaultConfigPath } from "../../config/load.ts";
import { shellCommand } from "../host_command.ts";
import type { Io } from "../io.ts";
import type { Invocation } from "../options.ts";
import { askForConfig, type Dialog, Stopped } from "./init_dialog.ts";
import { terminalDialog } from "./init_terminal.ts";

/** What the command prints with. */
export interface InitIo extends Io {
  /** Who is asked for the config at a path; by default whoever is at the terminal. */
  dialogFor?(path: string): Dialog | undefined;
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

/**
 * Writes a config: what the dialog with a person gives, else the starter. A file that is there stays
 * as it is. The exit status is 0 when it was written, else 1.
 */
export async function runInit(
  { path, options }: Extract<Invocation, { command: "init" }>,
  { stdout, stderr, dialogFor = terminalDialog }: InitIo,
): Promise<number> {
  const given = path ?? options.config ?? (Deno.env.get("MCPMQTT_CONFIG") || undefined);
  const target = given ?? defaultConfigPath();
  if (target === undefined) {
    stderr("there is no HOME to put the config in; write mcpmqtt init PATH\n");
    return 1;
  }
  const dialog = dialogFor(target);
  try {
    // Before anything is asked: nobody should answer for nothing.
    if (await exists(target)) throw new Deno.errors.AlreadyExists();
    const text = dialog === undefined ? STARTER_CONFIG : await askForConfig(dialog);
    const folder = target.replace(/[/\\]?[^/\\]*$/, "");
    if (folder !== "") await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(target, text, { createNew: true, mode: 0o600 });
  } catch (cause) {
    const isLeft = cause instanceof Stopped;
    stderr(isLeft ? "\nLeft; nothing was written.\n" : `${target}: ${whyNot(cause)}\n`);
    return 1;
  }
  const next = dialog === undefined ? "Put in your broker and topics, then run" : "Now run";
  const config = given === undefined ? "" : ` --config ${target}`;
  stdout(`Wrote ${target}. ${next}: ${shellCommand()} check${config}\n`);
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
