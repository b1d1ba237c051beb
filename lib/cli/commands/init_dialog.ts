/**
 * The questions of `mcpmqtt init` on a terminal.
 *
 * @module
 */
import type { MqttTransport } from "../../config/config.ts";
import { DEFAULT_PORTS } from "../../config/broker_url.ts";
import { McpMqttError, messageOf } from "../../errors.ts";
import { escapeUnseen } from "../../text.ts";
import { parseTopicFilter } from "../../topics/topic_filter.ts";

/** How the dialog speaks with a person and finds out about the world. */
export interface Dialog {
  /** The answer; undefined at the end of input. */
  ask(question: string): string | undefined;
  say(text: string): void;
  /** Where a path of the config leads, and why there is nothing to be read, if so. */
  look(path: string): Promise<{ readonly place: string; readonly fault?: string }>;
  /**
   * What is seen on the broker of a config.
   *
   * @throws {Error} where it cannot be reached, with why.
   */
  survey(configText: string): Promise<Seen>;
}

/** What is seen on a broker. */
export interface Seen {
  /** Topic names. */
  readonly names: readonly string[];
  readonly devices: readonly SeenDevice[];
}

/** A device that describes itself. */
export interface SeenDevice {
  /** As in `bedroom lamp (zigbee2mqtt)`. */
  readonly name: string;
  /** Topic filters of the descriptions of its kind. */
  readonly describedOn: readonly string[];
  /** Topic names to read it on. */
  readonly reads: readonly string[];
  /** Topic names that command it. */
  readonly writes: readonly string[];
}

/** There are no more answers: the person has gone. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

type Permission = "read" | "write";

/** A topic pattern and what is granted on it. */
interface Grant {
  readonly pattern: string;
  readonly permissions: readonly Permission[];
  /** What it is for, for the owner alone: it may be a device's own words. */
  readonly comment?: string;
}

interface Broker {
  readonly host: string;
  readonly port: number;
  readonly transport: MqttTransport;
  readonly ca: string | null;
  readonly username: string | null;
  /** A reference, never the password itself. */
  readonly password: string | null;
}

/** Branches of the topic tree, and devices, to choose from. */
const MAX_BRANCHES = 30;
const MAX_DEVICES = 30;
/** A device with more topics is not offered: nobody would read them all. */
const MAX_TOPICS = 40;

const YES_OR_NO: Readonly<Record<string, boolean>> = { y: true, yes: true, n: false, no: false };
const CHANGE_OR_KEEP: Readonly<Record<string, boolean>> = { change: false, keep: true };
/** The answers that grant, and those that do not; no other means anything. */
const GRANTS: Readonly<Record<string, readonly Permission[]>> = {
  r: ["read"],
  read: ["read"],
  w: ["write"],
  write: ["write"],
  rw: ["read", "write"],
  n: [],
  no: [],
  nothing: [],
};

/** The answers about a device: one that cannot be read is not commanded either. */
const { w: _w, write: _write, ...USES } = GRANTS;
/** The answers about a device without commands. */
const { rw: _rw, ...READS } = USES;

/**
 * Asks for everything, and gives the text of a config.
 *
 * @throws {Stopped} if the answers end before.
 */
export async function askForConfig(dialog: Dialog): Promise<string> {
  dialog.say("A few questions; an empty answer takes what stands in brackets. Ctrl-C leaves.\n");
  let broker: Broker | undefined;
  let seen: Seen | undefined;
  while (broker === undefined || seen === undefined) {
    broker = await askForBroker(dialog, broker);
    seen = await seenOn(broker, dialog);
  }
  seen = withoutReferences(seen);
  const branches = Map.groupBy(
    seen.names,
    (name) => name.includes("/") ? `${name.split("/")[0]}/#` : name,
  );
  return configText(broker, [
    ...chooseDevices(seen.devices, dialog),
    ...chooseBranches(branches, dialog),
    ...typedGrants(dialog),
  ]);
}

function ask(dialog: Dialog, question: string, fallback = ""): string {
  const answer = dialog.ask(question);
  if (answer === undefined) throw new Stopped("the answers ended");
  return answer.trim() || fallback;
}

/** Asks until the answer is one of those that there are. */
function choose<T>(
  dialog: Dialog,
  question: string,
  { answers, fallback }: {
    readonly answers: Readonly<Record<string, T>>;
    readonly fallback: string;
  },
): T {
  while (true) {
    const answer = ask(dialog, `${question} [${fallback}]:`, fallback).toLowerCase();
    const chosen = Object.hasOwn(answers, answer) ? answers[answer] : undefined;
    if (chosen !== undefined) return chosen;
    dialog.say(`Please answer with one of ${Object.keys(answers).join(", ")}.\n`);
  }
}

async function askForBroker(dialog: Dialog, before: Broker | undefined): Promise<Broker> {
  const hostBefore = before?.host ?? "localhost";
  const host = ask(dialog, `Host of the broker [${hostBefore}]:`, hostBefore);
  const isSecure = choose(dialog, "Encrypted, with TLS? y or n", {
    answers: YES_OR_NO,
    fallback: before?.transport === "tls" ? "y" : "n",
  });
  const transport = isSecure ? "tls" : "tcp";
  const ca = isSecure
    ? await askForFile(
      dialog,
      "File with the certificate authority (CA), if it is one of your own [none]:",
    )
    : null;
  const port = askForPort(
    dialog,
    before?.transport === transport ? before.port : DEFAULT_PORTS[transport],
  );
  const username = ask(dialog, "User name, if the broker asks for one [none]:") || null;
  const password = username === null ? null : await askForPassword(dialog);
  return { host, port, transport, ca, username, password };
}

function askForPort(dialog: Dialog, fallback: number): number {
  while (true) {
    const answer = ask(dialog, `Port [${fallback}]:`, String(fallback));
    const port = /^\d+$/.test(answer) ? Number(answer) : NaN;
    if (port >= 1 && port <= 65_535) return port;
    dialog.say(`A port is a whole number from 1 to 65535, not ${JSON.stringify(answer)}.\n`);
  }
}

/** Where the password is kept: not in the config. */
async function askForPassword(dialog: Dialog): Promise<string> {
  dialog.say("The password stays out of the config: do not type it here.\n");
  const path = await askForFile(
    dialog,
    "Path of a file that holds it [none: the environment variable MCPMQTT_PASSWORD]:",
  );
  return path === null ? "${env:MCPMQTT_PASSWORD}" : `\${file:${path}}`;
}

/** The path of a file that is there, or that is to be kept all the same; null for none. */
async function askForFile(dialog: Dialog, question: string): Promise<string | null> {
  while (true) {
    const path = ask(dialog, question);
    if (path === "") return null;
    const { place, fault } = await dialog.look(path);
    if (fault === undefined) return path;
    dialog.say(
      `${place} cannot be read: ${fault}. A relative path begins at the folder of the config.\n`,
    );
    // What does not look like a path may be the password itself.
    if (!/^(?:[/\\]|\.{1,2}[/\\]|~[/\\]|[A-Za-z]:[/\\])/.test(path)) continue;
    const answers = YES_OR_NO;
    if (choose(dialog, "Write it down all the same? y or n", { answers, fallback: "n" })) {
      return path;
    }
  }
}

/** What is alive on the broker; undefined if it is to be asked for anew. */
async function seenOn(broker: Broker, dialog: Dialog): Promise<Seen | undefined> {
  dialog.say("\nListening to the broker for a few seconds …\n");
  try {
    return await dialog.survey(configText(broker, [{ pattern: "#", permissions: ["read"] }]));
  } catch (error) {
    dialog.say(`That did not work: ${escapeUnseen(messageOf(error))}\n`);
    const isKept = choose(dialog, "Change the answers, or keep them? change or keep", {
      answers: CHANGE_OR_KEEP,
      fallback: "change",
    });
    return isKept ? { names: [], devices: [] } : undefined;
  }
}

/** What the chosen devices need: to be found, read, and commanded. All of it is shown before. */
function chooseDevices(devices: readonly SeenDevice[], dialog: Dialog): Grant[] {
  if (devices.length === 0) return [];
  const shown = devices.filter(({ reads, writes }) => reads.length + writes.length <= MAX_TOPICS)
    .slice(0, MAX_DEVICES);
  const left = devices.length - shown.length;
  dialog.say(
    "\nDevices that describe themselves, in their own words. What may an agent do with each?\n" +
      "r read, rw read and command, n nothing\n",
  );
  const grants = new Map<string, Grant>();
  const add = (pattern: string, permission: Permission, comment: string): void => {
    const { permissions, ...before } = grants.get(pattern) ??
      { permissions: [], pattern, comment };
    grants.set(pattern, { ...before, permissions: [...new Set([...permissions, permission])] });
  };
  for (const { name, describedOn, reads, writes } of shown) {
    dialog.say(`${escapeUnseen(name)}\n`);
    for (const [what, topics] of [["read", reads], ["command", writes]] as const) {
      for (const topic of topics) dialog.say(`  ${what.padEnd(8)}${escapeUnseen(topic)}\n`);
    }
    const [question, answers] = writes.length > 0 ? ["r, rw or n", USES] : ["r or n", READS];
    const permissions = choose(dialog, question, { answers, fallback: "n" });
    if (permissions.includes("read")) {
      for (const pattern of describedOn) add(pattern, "read", "what devices say of themselves");
      for (const pattern of reads) add(pattern, "read", name);
    }
    if (permissions.includes("write")) {
      for (const pattern of writes) add(pattern, "write", name);
    }
  }
  if (left > 0) {
    dialog.say(`${left} more are left out: too many, or with more than ${MAX_TOPICS} topics.\n`);
  }
  return [...grants.values()];
}

/** Without what would be a reference in a config: a device could make the password a pattern. */
function withoutReferences({ names, devices }: Seen): Seen {
  const isPlain = (text: string): boolean => !text.includes("${");
  return {
    names: names.filter(isPlain),
    devices: devices.map(({ reads, writes, ...device }) => ({
      ...device,
      reads: reads.filter(isPlain),
      writes: writes.filter(isPlain),
    })),
  };
}

function chooseBranches(branches: ReadonlyMap<string, readonly string[]>, dialog: Dialog): Grant[] {
  const shown = [...branches].slice(0, MAX_BRANCHES);
  if (shown.length === 0) return [];
  dialog.say(
    "\nSeen on the broker. What may an agent do there?\nr read, w write, rw both, n nothing\n",
  );
  return shown.flatMap(([pattern, names]) => {
    const example = names.length === 1 ? "" : `, such as ${names[0]}`;
    const count = `${names.length} ${names.length === 1 ? "topic" : "topics"}${example}`;
    return grant(dialog, { pattern, question: `${pattern} (${count})`, fallback: "n" });
  });
}

function typedGrants(dialog: Dialog): Grant[] {
  dialog.say("\nFurther topics, one at a time (+ is one level, # all that follow).\n");
  const grants: Grant[] = [];
  while (true) {
    const pattern = ask(dialog, "Topic [done]:");
    if (pattern === "") return grants;
    try {
      parseTopicFilter(pattern);
    } catch (error) {
      if (!(error instanceof McpMqttError)) throw error;
      dialog.say(`${error.message}\n`);
      continue;
    }
    grants.push(
      ...grant(dialog, { pattern, question: `${pattern}: r, w, rw or n`, fallback: "r" }),
    );
  }
}

function grant(
  dialog: Dialog,
  { pattern, question, fallback }: {
    readonly pattern: string;
    readonly question: string;
    readonly fallback: string;
  },
): Grant[] {
  const permissions = choose(dialog, escapeUnseen(question), { answers: GRANTS, fallback });
  return permissions.length === 0 ? [] : [{ pattern, permissions }];
}

/** The config, commented. */
function configText(broker: Broker, grants: readonly Grant[]): string {
  const rules = grants.map(({ pattern, permissions, comment }) =>
    `    { "pattern": ${JSON.stringify(pattern)}, "permissions": ${JSON.stringify(permissions)} },${
      comment === undefined ? "" : ` // ${escapeUnseen(comment)}`
    }\n`
  );
  return `{
  // The config of mcpmqtt: JSON with comments and trailing commas.
  // "mcpmqtt check" says what it grants and tries the broker.
  "mqtt": {
    "host": ${JSON.stringify(broker.host)},
    "port": ${broker.port},
    "transport": ${JSON.stringify(broker.transport)},${
    broker.ca === null ? "" : `\n    "tls": { "ca": ${JSON.stringify(broker.ca)} },`
  }
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
