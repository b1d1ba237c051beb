/**
 * Writes that the person has to confirm.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { McpMqttError } from "../errors.ts";
import { SparkplugPayload } from "../messages/sparkplug.ts";
import type { Publication } from "../mqtt/link/link.ts";
import type { TopicFilter } from "../topics/topic_filter.ts";
import { quoteTopic } from "../topics/topic_text.ts";

/** A rule wants a write to be confirmed. Where nobody can be asked it is the answer to the call. */
export class ConfirmationNeeded extends McpMqttError {
  readonly publication: Publication;

  constructor(publication: Publication, pattern: TopicFilter) {
    super(
      "declined",
      `the rule ${
        quoteTopic(pattern.text)
      } wants the person to confirm each write, and this host cannot ask`,
      {
        outcome: "not_sent",
        hint: "It takes a host with MCP elicitation; or the owner removes confirm from the rule.",
      },
    );
    this.publication = publication;
  }
}

/**
 * What is confirmed: everything that is sent but what the program makes itself: the Correlation Data,
 * the Response Topic, and the time of a payload of Sparkplug B.
 */
export function confirmedAs({ topic, payload, qos, retain, properties = {} }: Publication): string {
  const { contentType, userProperties, messageExpiryInterval } = properties;
  const others = [topic, qos, retain, contentType, userProperties, messageExpiryInterval];
  const bytes = payload instanceof SparkplugPayload
    ? payload.subarray(payload.stampBytes)
    : payload;
  return createHash("sha256").update(`${JSON.stringify(others)}\n`).update(bytes).digest("hex");
}
