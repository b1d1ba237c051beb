/**
 * What is fed with garbage: each target makes one case from a seed, and says what went wrong with it.
 *
 * @module
 */
import { ConfigError } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { McpMqttError } from "../../lib/errors.ts";
import { Fields } from "../../lib/messages/fields.ts";
import type { Message } from "../../lib/messages/message.ts";
import { fitMessage, jsonBytes, showMessage } from "../../lib/messages/payload.ts";
import { SparkplugBirths } from "../../lib/messages/sparkplug_births.ts";
import { encodeSparkplug } from "../../lib/messages/sparkplug_encode.ts";
import { Summary } from "../../lib/messages/summary.ts";
import { Survey } from "../../lib/messages/survey.ts";
import { compileWhere } from "../../lib/messages/where.ts";
import { Permissions } from "../../lib/topics/permissions.ts";
import { covers, intersect, parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { parseTopicName } from "../../lib/topics/topic_name.ts";
import type { Dice } from "../soak/dice.ts";

/** Runs one case; what it throws is a finding. */
export type Target = (dice: Dice) => unknown;

const encoder = new TextEncoder();

/** Texts that have been trouble somewhere. */
const SPICE = [
  ...'{}[]":,/+#$*\\\0\n\t\u202e\ufeff',
  "\ud800",
  "😀",
  "__proto__",
  "constructor",
  "null",
  "true",
  "-0",
  "1e999",
  "0.1000000000000000001",
  "12345678901234567890",
  "//",
  "/*",
  "${env:HOME}",
  "${file:/dev/zero}",
  "$share/g/a",
  "\\u0000",
  "[".repeat(200),
  '{"a":'.repeat(100),
  "a/".repeat(500),
];

/** A text with some of it changed, doubled, cut out, or spiced. */
export function mutated(text: string, dice: Dice): string {
  let now = text;
  for (let i = dice.between(1, 6); i > 0; i--) {
    const at = dice.between(0, now.length);
    const end = Math.min(now.length, at + dice.between(0, 10));
    const part = dice.pick(["", dice.pick(SPICE), now.slice(at, end).repeat(2), dice.pick(SPICE)]);
    now = now.slice(0, at) + part + now.slice(dice.chance(0.5) ? at : end);
  }
  return now;
}

/** The same of bytes. */
export function mutatedBytes(bytes: Uint8Array, dice: Dice): Uint8Array {
  const now = [...bytes];
  for (let i = dice.between(1, 8); i > 0; i--) {
    const at = dice.between(0, now.length);
    if (dice.chance(0.3)) now.splice(at, dice.between(0, 4));
    else now.splice(at, dice.chance(0.5) ? 1 : 0, dice.between(0, 255));
  }
  return Uint8Array.from(now);
}

const CONFIG = JSON.stringify({
  mqtt: {
    host: "broker.lan",
    port: 1883,
    username: "a",
    password: "${env:MCPMQTT_P}",
    tls: { verify: true },
  },
  topics: [
    { pattern: "a/+/b", permissions: ["read", "write"], rate: { messages: 1, seconds: 2 } },
    { pattern: "#", deny: ["write"], payload: { schema: { type: "object", required: ["a"] } } },
  ],
  limits: { max_timeout: 10 },
  logging: { level: "DEBUG", audit: { path: "x" } },
});

async function config(dice: Dice): Promise<void> {
  const text = mutated(CONFIG, dice);
  const effects = { readTextFile: () => Promise.resolve(text), env: () => "secret-canary" };
  try {
    await loadConfig({ path: "/c.json", effects });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (/^ {4}at /m.test(error.message)) throw new Error(`a stack: ${error.message}`);
    if (error.message.includes("secret-canary")) throw new Error(`a secret: ${error.message}`);
    if (error.message.length > 100_000) throw new Error(`${error.message.length} characters`);
  }
}

const FILTERS = ["a/b/c", "+/b/#", "#", "$SYS/+/x", "/", "a//+", "sport/tennis/+/score/#"];

function topics(dice: Dice): void {
  const texts = Array.from({ length: 4 }, () => mutated(dice.pick(FILTERS), dice));
  const filters = texts.flatMap((text) => known(() => parseTopicFilter(text)) ?? []);
  for (const text of texts) known(() => parseTopicName(text));
  for (const a of filters) {
    for (const b of filters) {
      const both = intersect(a, b);
      if (both !== undefined && !covers(a, both)) throw new Error(`${a.text} and ${b.text}`);
      if (covers(a, b) && both === undefined) throw new Error(`${a.text} covers ${b.text}`);
    }
  }
  const rules = filters.map((pattern, i) => ({
    pattern,
    permissions: ["read" as const],
    deny: i % 2 === 0 ? [] : ["write" as const],
    retain: false,
  }));
  const permissions = new Permissions(rules);
  known(() => permissions.narrow(filters));
  for (const text of texts) permissions.decide(text, dice.pick(["read", "write"]));
}

const PAYLOADS = [
  '{"t":21.5,"state":"ON","list":[1,2,{"a":null}],"id":12345678901234567890}',
  "21.5",
  "on",
  '["a"]',
  "",
];
const FIELDS = new Fields(["", "/t", "/list/2/a", "/__proto__", "/metrics/t"], "fields");
const CONDITIONS = (["eq", "ne", "contains", "changed", "exists"] as const).map((op) =>
  compileWhere({ path: "/t", op, ...(["changed", "exists"].includes(op) ? {} : { value: "1" }) })
);

function payloads(dice: Dice): void {
  const text = mutated(dice.pick(PAYLOADS), dice);
  const bytes = dice.chance(0.5) ? encoder.encode(text) : mutatedBytes(encoder.encode(text), dice);
  use({ topic: text, payload: bytes, qos: 1, retain: false, receivedAt: 0 });
}

const SPARKPLUG = encodeSparkplug({
  seq: 1,
  metrics: [
    { name: "t", alias: 1, value: 21.5, type: "Float", properties: { engUnit: "C", in: { a: 1 } } },
    { name: "list", value: [1, 2], type: "Int16Array" },
    { name: "rows", value: { columns: ["a"], types: ["UInt64"], rows: [[1]] }, type: "DataSet" },
    { name: "in", value: { metrics: [{ alias: 2, value: "x" }] }, type: "Template" },
  ],
}, undefined);

function sparkplug(dice: Dice): void {
  const births = new SparkplugBirths({ maxBytes: 10_000 });
  for (let i = 0; i < 4; i++) {
    const topic = `spBv1.0/G/${dice.pick(["NBIRTH/N", "DBIRTH/N/D", "NDATA/N", "NBIRTH/M"])}`;
    const payload = mutatedBytes(SPARKPLUG, dice);
    use(births.received({ topic, payload, qos: 0, retain: false, receivedAt: 0 }));
  }
}

/** Shows, sums up and compares a message in every way. */
function use(message: Message): void {
  for (
    const shown of [
      showMessage(message, 50),
      fitMessage(message, { previewBytes: 50, maxBytes: 5_000 }),
    ]
  ) {
    if (!JSON.stringify(shown).isWellFormed()) throw new Error("not well-formed");
  }
  const summaries = [new Summary(FIELDS), new Summary(undefined)];
  const survey = new Survey();
  for (const take of [...summaries, survey]) take.add(message);
  jsonBytes([
    ...summaries.flatMap((summary) => [...summary.entries()]),
    ...survey.topics(),
    FIELDS.show(message.payload, 100) ?? {},
  ]);
  for (const isMet of CONDITIONS) isMet(message);
}

/** What a function gives, or undefined if it refuses in words of its own. */
function known<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof McpMqttError && error.code !== "internal") return undefined;
    throw error;
  }
}

/** The targets of one call each. */
export const TARGETS: Readonly<Record<string, Target>> = {
  config,
  topics,
  payloads,
  sparkplug,
};
