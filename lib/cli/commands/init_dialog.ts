/**
 * The questions of `mcpmqtt init` on a terminal.
 *
 * @module
 */
import type { MqttTransport } from "../../config/config.ts";
import { DEFAULT_PORTS } from "../../config/broker_url.ts";
import { McpMqttError } from "../../errors.ts";
import { parseTopicFilter } from "../../topics/topic_filter.ts";

/** How the dialog speaks with a person and finds out about the broker. */
export interface Dialog {
  /** The answer; empty for none. */
  ask(question: string): string;
  say(text: string): void;
  /**
   * The topic names seen on the broker of a config.
   *
   * @throws {Error} where it cannot be reached, with why.
   */
  survey(configText: string): Promise<readonly string[]>;
}

/** A topic pattern and what is granted on it. */
interface Grant {
  readonly pattern: string;
  readonly permissions: readonly ("read" | "write")[];
}

interface Broker {
  readonly host: string;
  readonly port: number;
  readonly transport: MqttTransport;
  readonly username: string | null;
  /** A reference, never the password itself. */
  readonly password: string | null;
}

/** Branches of the topic tree to choose from. */
const MAX_BRANCHES = 30;

/** Asks for everything, and gives the text of a config. */
export async function askForConfig(dialog: Dialog): Promise<string> {
  dialog.say("A few questions; an empty answer takes what stands in brackets.\n");
  const broker = askForBroker(dialog);
  const branches = await branchesOf(broker, dialog);
  const grants = [...chooseBranches(branches, dialog), ...typedGrants(dialog)];
  return configText(broker, grants);
}

function askForBroker(dialog: Dialog): Broker {
  const host = dialog.ask("Host of the broker [localhost]:") || "localhost";
  const isSecure = isYes(dialog.ask("Encrypted, with TLS? [n]:"));
  const transport = isSecure ? "tls" : "tcp";
  const port = askForPort(dialog, DEFAULT_PORTS[transport]);
  const username = dialog.ask("User name, if the broker asks for one [none]:") || null;
  const password = username === null ? null : askForPassword(dialog);
  return { host, port, transport, username, password };
}

function askForPort(dialog: Dialog, fallback: number): number {
  while (true) {
    const answer = dialog.ask(`Port [${fallback}]:`);
    const port = answer === "" ? fallback : Number(answer);
    if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
    dialog.say(`A port is a whole number from 1 to 65535, not ${JSON.stringify(answer)}.\n`);
  }
}

/** Where the password is kept: not in the config. */
function askForPassword(dialog: Dialog): string {
  const path = dialog.ask(
    "The password stays out of the config. Path of a file that holds it\n" +
      "[none: the environment variable MCPMQTT_PASSWORD]:",
  );
  return path === "" ? "${env:MCPMQTT_PASSWORD}" : `\${file:${path}}`;
}

/** What is alive on the broker, by its first level; empty where it cannot be found out. */
async function branchesOf(broker: Broker, dialog: Dialog): Promise<Map<string, string[]>> {
  dialog.say("\nListening to the broker for a few seconds …\n");
  try {
    const names = await dialog.survey(
      configText(broker, [{ pattern: "#", permissions: ["read"] }]),
    );
    return Map.groupBy(names, (name) => name.includes("/") ? `${name.split("/")[0]}/#` : name);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    dialog.say(`That did not work: ${why}\nThe config is written all the same.\n`);
    return new Map();
  }
}

function chooseBranches(branches: ReadonlyMap<string, readonly string[]>, dialog: Dialog): Grant[] {
  const shown = [...branches].slice(0, MAX_BRANCHES);
  if (shown.length === 0) return [];
  dialog.say("\nSeen on the broker. Say for each what an agent may do: r, w, rw, or nothing.\n");
  return shown.flatMap(([pattern, names]) => {
    const example = names.length === 1 ? "" : `, such as ${names[0]}`;
    const count = `${names.length} ${names.length === 1 ? "topic" : "topics"}${example}`;
    return grant(pattern, dialog.ask(`${pattern} (${count}) [nothing]:`));
  });
}

function typedGrants(dialog: Dialog): Grant[] {
  dialog.say("\nFurther topics, one at a time (+ is one level, # all that follow).\n");
  const grants: Grant[] = [];
  while (true) {
    const pattern = dialog.ask("Topic [done]:");
    if (pattern === "") return grants;
    try {
      parseTopicFilter(pattern);
    } catch (error) {
      if (!(error instanceof McpMqttError)) throw error;
      dialog.say(`${error.message}\n`);
      continue;
    }
    grants.push(...grant(pattern, dialog.ask(`${pattern}: r, w or rw [r]:`) || "r"));
  }
}

function grant(pattern: string, letters: string): Grant[] {
  const permissions = [
    ...(/r/i.test(letters) ? ["read" as const] : []),
    ...(/w/i.test(letters) ? ["write" as const] : []),
  ];
  return permissions.length === 0 ? [] : [{ pattern, permissions }];
}

/** The config, commented. */
function configText(broker: Broker, grants: readonly Grant[]): string {
  const rules = grants.map(({ pattern, permissions }) =>
    `    { "pattern": ${JSON.stringify(pattern)}, "permissions": ${
      JSON.stringify(permissions)
    } },\n`
  );
  return `{
  // The config of mcpmqtt: JSON with comments and trailing commas.
  // "mcpmqtt check" says what it grants and tries the broker.
  "mqtt": {
    "host": ${JSON.stringify(broker.host)},
    "port": ${broker.port},
    "transport": ${JSON.stringify(broker.transport)},
    "username": ${JSON.stringify(broker.username)},
    "password": ${JSON.stringify(broker.password)},
  },

  // What an agent may read (subscribe to) and write (publish to). Nothing else is allowed.
  // A "description" and a "payload": { "unit", "examples" } in a rule are told to the agent;
  // "deny": ["write"] wins over every grant.
  "topics": [
${rules.join("")}  ],

  // true: nothing can be written, whatever the topics above grant.
  "read_only": false,

  "logging": { "level": "INFO", "logfile": null },
}
`;
}

function isYes(answer: string): boolean {
  return /^y/i.test(answer);
}
