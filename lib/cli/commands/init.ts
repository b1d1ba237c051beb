/**
 * `mcpmqtt init [PATH]`.
 *
 * @module
 */

import { defaultConfigPath } from "../../config/load.ts";
import type { Invocation } from "../options.ts";

/** What the command prints with. */
export interface InitIo {
  stdout(text: string): void;
  stderr(text: string): void;
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
 * Writes the starter config to the path given, or to that of `--config` or `MCPMQTT_CONFIG`, or to
 * the default path. A file that is there stays as it is. The exit status is 0 when it was written, else 1.
 */
export async function runInit(
  { path, options }: Extract<Invocation, { command: "init" }>,
  io: InitIo,
): Promise<number> {
  const given = path ?? options.config ?? (Deno.env.get("MCPMQTT_CONFIG") || undefined);
  const target = given ?? defaultConfigPath();
  if (target === undefined) {
    io.stderr("there is no HOME to put the config in; write mcpmqtt init PATH\n");
    return 1;
  }
  try {
    const folder = target.replace(/[/\\]?[^/\\]*$/, "");
    if (folder !== "") await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(target, STARTER_CONFIG, { createNew: true, mode: 0o600 });
  } catch (cause) {
    io.stderr(`${target}: ${whyNot(cause)}\n`);
    return 1;
  }
  const config = given === undefined ? "" : ` --config ${target}`;
  io.stdout(`Wrote ${target}. Put in your broker and topics, then run: mcpmqtt check${config}
`);
  return 0;
}

function whyNot(cause: unknown): string {
  if (cause instanceof Deno.errors.AlreadyExists) {
    return "is there already and stays as it is; give another path, or move it away";
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `cannot be written (${reason}); give another path`;
}
