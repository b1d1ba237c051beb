/**
 * The tool `mqtt_topics`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import { jsonBytes, type ShownMessage } from "../messages/payload.ts";
import { type SeenTopic, type ShownLast, Survey } from "../messages/survey.ts";
import type { Permissions, Rule } from "../topics/permissions.ts";
import { defineTool } from "./define_tool.ts";
import { shownNarrowing } from "./narrowing.ts";
import { hintSchema, messageSchema } from "./schemas.ts";
import { Turns } from "./turns.ts";
import { bounded } from "../wait.ts";

/** How much is shown of the last payload of a topic. */
const PREVIEW_BYTES = 256;
const MAX_LIMIT = 1_000;
/** Characters of a rule's description. */
const MAX_ABOUT = 200;

type ShownTopic = {
  topic: string;
  messages: number;
  retained: boolean;
  /** Messages a second. */
  rate: number;
  /** Keys and types of the payload, where it is JSON. */
  shape?: string;
  last: ShownMessage;
};

/** What the owner says of the topics of a rule. */
type AboutRule = { pattern: string; description?: string; unit?: string };

/** Finds out which topics are alive. */
export const mqttTopics = defineTool({
  name: "mqtt_topics",
  title: "Find MQTT topics",
  description:
    "Listens for a time and lists the topics that are alive, by name: messages, rate, whether one is retained, the last one, and the shape of JSON payloads. Take it first when names are not known; topics that publish rarely and retain nothing need a longer duration.\n" +
    'Example: {"filter": "zigbee/#", "duration": 5}',
  effect: "observe",
  isIdempotent: true,
  input: (limits) => {
    const max = limits.maxTimeoutMs / 1000;
    return z.strictObject({
      filter: z.string().default("#").describe("a topic filter"),
      duration: z.number().gt(0).max(max).default(Math.min(3, max)).describe("seconds"),
      limit: z.int().min(1).max(MAX_LIMIT).default(100).describe("topics in one result"),
      cursor: z.string().optional().describe("from the result before, for the topics after it"),
    });
  },
  output: z.object({
    topics: z.array(z.object({
      topic: z.string(),
      messages: z.int(),
      retained: z.boolean(),
      rate: z.number().describe("messages a second"),
      shape: z.string().optional(),
      last: messageSchema,
    })),
    about: z.array(z.looseObject({})).optional(),
    total: z.int().describe("topics seen, those before the cursor included"),
    cursor: z.string().optional(),
    narrowed: z.boolean(),
    filters: z.array(z.string()).optional().describe("in force, where narrowed"),
    incomplete: z.literal(true).optional().describe("more topics than can be told apart"),
    disconnected: z.literal(true).optional(),
    hint: hintSchema,
  }),
  async run(input, { access, signal }) {
    const after = input.cursor === undefined ? undefined : decodeCursor(input.cursor);
    const durationMs = input.duration * 1000;
    const survey = new Survey(PREVIEW_BYTES);
    const over = Promise.withResolvers<"disconnected">();
    over.promise.catch(() => {});
    let isOver = false;
    await using collection = await access.collect([input.filter], {
      includeRetained: true,
      resume: false,
      waitMs: access.grants.limits.maxTimeoutMs,
      signal,
      onMessage: (message) => {
        if (!isOver) survey.add(message);
      },
      onInterrupted: () => over.resolve("disconnected"),
      onFailed: (error) => over.reject(error),
    });
    const start = performance.now();
    const ended = await bounded(over.promise, {
      timeoutMs: durationMs,
      signal,
      onTimeout: () => "timeout" as const,
    });
    const seconds = (performance.now() - start) / 1000;
    isOver = true;
    const all = survey.topics();
    const { permissions, limits } = access.grants;
    const narrowing = shownNarrowing(collection, limits.maxResultBytes);
    const { topics, about, isCut } = await page(
      all.filter(({ topic }) => after === undefined || topic > after),
      {
        show: (seen) => showTopic(seen, survey.showLast(seen), seconds),
        limit: input.limit,
        maxBytes: limits.maxResultBytes - jsonBytes(narrowing),
        permissions,
      },
    );
    const last = topics.at(-1);
    return {
      topics,
      ...(about.length === 0 ? {} : { about }),
      total: all.length,
      ...(isCut && last !== undefined
        ? { cursor: encodeCursor(last.topic), hint: "mqtt_topics with this cursor gives the rest" }
        : {}),
      narrowed: collection.narrowed,
      ...narrowing,
      ...(survey.isIncomplete ? { incomplete: true as const, passed_over: survey.passedOver } : {}),
      ...(ended === "disconnected" ? { disconnected: true as const } : {}),
    };
  },
});

interface PageOptions {
  readonly show: (seen: SeenTopic) => ShownTopic;
  readonly limit: number;
  readonly maxBytes: number;
  readonly permissions: Permissions;
}

/** As many topics as the limits allow, and whether there are more. */
async function page(
  seen: readonly SeenTopic[],
  { show, limit, maxBytes, permissions }: PageOptions,
): Promise<{ topics: ShownTopic[]; about: AboutRule[]; isCut: boolean }> {
  const turns = new Turns();
  const topics: ShownTopic[] = [];
  const about = new Map<Rule, AboutRule | undefined>();
  let bytes = 0;
  for (const one of seen) {
    if (turns.isOver) await turns.others();
    const shown = show(one);
    const { rule } = permissions.decide(one.topic, "read");
    const words = rule === undefined || about.has(rule) ? undefined : aboutRule(rule);
    bytes += jsonBytes(shown) + 1 + (words === undefined ? 0 : jsonBytes(words) + 1);
    const isCut = topics.length >= limit || bytes > maxBytes && topics.length > 0;
    if (isCut) return { topics, about: said(about), isCut };
    topics.push(shown);
    if (rule !== undefined && !about.has(rule)) about.set(rule, words);
  }
  return { topics, about: said(about), isCut: false };
}

/** The owner's words on a rule, once for all its topics; undefined where there are none. */
function aboutRule({ pattern, description, payload }: Rule): AboutRule | undefined {
  const unit = payload?.unit;
  if (description === undefined && unit === undefined) return undefined;
  return {
    pattern: pattern.text,
    ...(description === undefined
      ? {}
      : { description: description.slice(0, MAX_ABOUT).toWellFormed() }),
    ...(unit === undefined ? {} : { unit }),
  };
}

function said(about: ReadonlyMap<Rule, AboutRule | undefined>): AboutRule[] {
  return [...about.values()].filter((words) => words !== undefined);
}

function showTopic(seen: SeenTopic, { shown, shape }: ShownLast, seconds: number): ShownTopic {
  return {
    topic: seen.topic,
    messages: seen.messages,
    retained: seen.retained,
    rate: Math.round(seen.live / seconds * 100) / 100,
    ...(shape === undefined ? {} : { shape }),
    last: shown,
  };
}

function encodeCursor(topic: string): string {
  return new TextEncoder().encode(topic).toBase64({ alphabet: "base64url", omitPadding: true });
}

function decodeCursor(cursor: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.fromBase64(cursor, { alphabet: "base64url" }),
    );
  } catch (cause) {
    throw new McpMqttError("invalid_argument", "cursor is not one that mqtt_topics gave", {
      hint: "Leave it out to begin with the first topic.",
      cause,
    });
  }
}
