/**
 * The tool `mqtt_topics`.
 *
 * @module
 */
import * as z from "zod/v4";
import { McpMqttError } from "../errors.ts";
import { foldTopics, type ShownTopics, showTopics } from "../messages/fold.ts";
import { given } from "../messages/json.ts";
import { jsonBytes } from "../messages/payload.ts";
import { type SeenTopic, Survey } from "../messages/survey.ts";
import type { Permissions, Rule } from "../topics/permissions.ts";
import { Turns } from "../turns.ts";
import { bounded } from "../wait.ts";
import { defineTool } from "./define_tool.ts";
import { shownNarrowing } from "./narrowing.ts";
import { excludeSchema, hintSchema, retainedOnlySchema } from "./schemas.ts";

const MAX_LIMIT = 1_000;
/** How long the broker may take to send all retained messages, in milliseconds. */
const MAX_RETAINED_MS = 30_000;
/** Characters of a rule's description. */
const MAX_ABOUT = 200;

/** What the owner says of the topics of a rule. */
type AboutRule = { pattern: string; description?: string; unit?: string };

/** Finds out which topics are alive. */
export const mqttTopics = defineTool({
  name: "mqtt_topics",
  title: "Find MQTT topics",
  description:
    "Listens for duration and lists the topics that are alive: messages, rate of the live ones, whether retained, shape (keys and types of JSON), the last payload cut to 128 bytes. Take it first if topics are not known; topics that publish rarely and retain nothing need a longer duration. More than fold topics that are alike but for one level are one entry: + in that level, topics how many, names the first five and the last. Give back cursor for the rest: nothing is listened to again.\n" +
    'Example: {"filter": "zigbee/#", "exclude": "zigbee/bridge/#", "duration": 5}',
  effect: "observe",
  isIdempotent: true,
  input: (limits) => {
    const max = limits.maxTimeoutMs / 1000;
    return z.strictObject({
      filter: z.string().default("#").describe("a topic filter"),
      exclude: excludeSchema,
      duration: z.number().gt(0).max(max).default(Math.min(3, max)).describe("seconds"),
      retained_only: retainedOnlySchema.describe("only what the broker keeps, and at once"),
      fold: z.int().min(0).default(16).describe("0: each topic by itself"),
      limit: z.int().min(1).max(MAX_LIMIT).default(100).describe("entries in one result"),
      cursor: z.string().optional(),
    });
  },
  output: z.object({
    topics: z.array(z.looseObject({ topic: z.string(), messages: z.int(), at: z.string() })),
    about: z.array(z.looseObject({})).optional(),
    total: z.int().describe("topics seen"),
    cursor: z.string().optional(),
    narrowed: z.boolean(),
    filters: z.array(z.string()).optional().describe("in force, where narrowed"),
    incomplete: z.literal(true).optional().describe("more topics than can be told apart"),
    disconnected: z.literal(true).optional(),
    hint: hintSchema,
  }),
  async run(input, { access, surveys, signal }) {
    const { permissions, limits } = access.grants;
    const bounds = { limit: input.limit, maxBytes: limits.maxResultBytes, permissions };
    if (input.cursor !== undefined) {
      const [, id = "", from] = /^(s\d+)\.(\d{1,9})$/.exec(input.cursor) ?? [];
      const at = Number(from);
      const { entries, about } = surveys.get(id, at);
      const { next, ...shown } = await page(entries, { ...bounds, at, about });
      return { ...shown, ...about, ...cursorOf(id, next) };
    }
    const survey = new Survey();
    const over = Promise.withResolvers<"disconnected" | "retained">();
    over.promise.catch(() => {});
    // What comes while the list is made is none of it.
    let isOver = false;
    await using collection = await access.collect([input.filter], {
      includeRetained: true,
      exclude: [input.exclude ?? []].flat(),
      resume: false,
      waitMs: limits.maxTimeoutMs,
      signal,
      onMessage: (message) => {
        if (!isOver && (message.retain || !input.retained_only)) survey.add(message);
      },
      onInterrupted: () => over.resolve("disconnected"),
      onFailed: (error) => over.reject(error),
    });
    const start = performance.now();
    if (input.retained_only) {
      // If a connection is lost meanwhile, that is told as such.
      collection.retainedDelivered().then(() => over.resolve("retained"), () => {});
    }
    const ended = await bounded(over.promise, {
      timeoutMs: input.retained_only ? MAX_RETAINED_MS : input.duration * 1000,
      signal,
      onTimeout: () => {
        if (input.retained_only) throw retainedMissing();
        return "timeout" as const;
      },
    });
    const seconds = (performance.now() - start) / 1000;
    isOver = true;
    const turns = new Turns();
    const seen: SeenTopic[] = [];
    for (const one of survey.topics()) {
      if (turns.isOver) await turns.others();
      seen.push(one);
    }
    const entries: ShownTopics[] = [];
    for (const one of await foldTopics(seen, input.fold)) {
      if (turns.isOver) await turns.others();
      entries.push(showTopics(one, seconds));
    }
    const about = {
      total: seen.length,
      narrowed: collection.narrowed,
      ...shownNarrowing(collection, limits.maxResultBytes),
      ...(survey.passedOver > 0
        ? { incomplete: true as const, passed_over: survey.passedOver }
        : {}),
      ...(ended === "disconnected" ? { disconnected: true as const } : {}),
    };
    const { next, ...shown } = await page(entries, { ...bounds, at: 0, about });
    const id = next === undefined ? "" : surveys.hold({ entries, about });
    return { ...shown, ...about, ...cursorOf(id, next) };
  },
});

interface PageOptions {
  /** Where it begins. */
  readonly at: number;
  readonly limit: number;
  readonly maxBytes: number;
  readonly permissions: Permissions;
  /** What stands beside the entries. */
  readonly about: object;
}

interface Page {
  readonly topics: ShownTopics[];
  readonly about?: AboutRule[];
  /** Where the next page begins, if there is one. */
  readonly next?: number;
}

/** As many entries as the limits allow. */
async function page(
  entries: readonly ShownTopics[],
  { at, limit, maxBytes, permissions, about }: PageOptions,
): Promise<Page> {
  const turns = new Turns();
  const rules = new Map<Rule, AboutRule | undefined>();
  const topics: ShownTopics[] = [];
  let bytes = jsonBytes(about);
  for (const entry of entries.slice(at, at + limit)) {
    if (turns.isOver) await turns.others();
    const { rule } = permissions.decide(oneOf(entry), "read");
    const words = rule === undefined || rules.has(rule) ? undefined : aboutRule(rule);
    bytes += jsonBytes(entry) + 1 + (words === undefined ? 0 : jsonBytes(words) + 1);
    if (bytes > maxBytes && topics.length > 0) break;
    topics.push(entry);
    if (rule !== undefined && !rules.has(rule)) rules.set(rule, words);
  }
  const next = at + topics.length;
  const said = [...rules.values()].filter((words) => words !== undefined);
  return {
    topics,
    ...(said.length === 0 ? {} : { about: said }),
    ...(next < entries.length ? { next } : {}),
  };
}
/** A topic that an entry stands for. */
function oneOf({ topic, names: [name] = [] }: ShownTopics): string {
  return name === undefined
    ? topic
    : topic.split("/").map((level) => level === "+" ? name : level).join("/");
}

/** The owner's words on a rule, once for all its topics; undefined where there are none. */
function aboutRule({ pattern, description, payload }: Rule): AboutRule | undefined {
  const unit = payload?.unit;
  if (description === undefined && unit === undefined) return undefined;
  const said = description?.slice(0, MAX_ABOUT).toWellFormed();
  return { pattern: pattern.text, ...given({ description: said, unit }) };
}

function cursorOf(id: string, next: number | undefined): { cursor?: string; hint?: string } {
  if (next === undefined) return {};
  return { cursor: `${id}.${next}`, hint: "mqtt_topics with this cursor gives the rest" };
}

function retainedMissing(): McpMqttError {
  return new McpMqttError(
    "timeout",
    `the broker did not send all retained messages within ${MAX_RETAINED_MS / 1000} s`,
    { hint: "Take a narrower filter." },
  );
}
