/**
 * The resource `mcpmqtt://message/{+topic}`: the last message known for a topic.
 *
 * @module
 */
import { McpMqttError } from "../errors.ts";
import type { Message } from "../messages/message.ts";
import { fitMessage, type ShownMessage } from "../messages/payload.ts";
import type { Session } from "../access/session.ts";
import { bounded } from "../wait.ts";
import { parseTopicName, type TopicName } from "../topics/topic_name.ts";

/** Its URI template, RFC 6570. */
export const MESSAGE_TEMPLATE = "mcpmqtt://message/{+topic}";
const PREFIX = "mcpmqtt://message/";
/** How long a read waits for a message where none is retained, in milliseconds. */
const WAIT_MS = 2_000;

/**
 * The topic name in a URI of the template, or undefined for another URI.
 *
 * @throws {McpMqttError} `invalid_topic`; `invalid_argument` for a broken percent-encoding.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { messageTopic } from "./message.ts";
 *
 * assert(messageTopic("mcpmqtt://message/a/b%20c") === "a/b c");
 * assert(messageTopic("mcpmqtt://status") === undefined);
 * ```
 */
export function messageTopic(uri: string): TopicName | undefined {
  if (!uri.startsWith(PREFIX)) return undefined;
  const encoded = uri.slice(PREFIX.length);
  let topic: string;
  try {
    topic = decodeURIComponent(encoded);
  } catch (cause) {
    throw new McpMqttError("invalid_argument", "the URI has a broken percent-encoding", {
      hint: `Write it as ${MESSAGE_TEMPLATE}, with UTF-8 percent-encoded.`,
      cause,
    });
  }
  return parseTopicName(topic);
}

/**
 * Reads the resource: the retained message, or the next one within 2 s.
 *
 * @throws {McpMqttError} `forbidden`, `timeout`, `not_connected`, `broker_refused`.
 */
export async function readMessage(
  topic: TopicName,
  { access, updates }: Session,
  signal: AbortSignal,
): Promise<ShownMessage> {
  const { maxResultBytes: maxBytes } = access.grants.limits;
  const bounds = { previewBytes: maxBytes, maxBytes };
  const known = updates.lastMessage(topic);
  if (known !== undefined) return known;
  const first = Promise.withResolvers<Message>();
  first.promise.catch(() => {});
  await using _collection = await access.collect([topic], {
    includeRetained: true,
    resume: true,
    waitMs: WAIT_MS,
    signal,
    onMessage: (message) => first.resolve(message),
    onFailed: (error) => first.reject(error),
  });
  const message = await bounded(first.promise, {
    timeoutMs: WAIT_MS,
    signal,
    onTimeout: () => "timeout" as const,
  });
  if (message !== "timeout") return fitMessage(message, bounds);
  throw new McpMqttError(
    "timeout",
    `no message on ${JSON.stringify(topic)} within ${WAIT_MS / 1000} s, and none is retained`,
    { hint: "Use mqtt_read with a longer timeout, or subscribe to this resource." },
  );
}
