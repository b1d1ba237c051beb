/**
 * Asks the person before a write, by MCP elicitation: on a connection of the older generations by a
 * request to the host, since 2026-07-28 by a result that asks for input.
 *
 * @module
 */
import {
  type CallToolResult,
  type ElicitRequestFormParams,
  inputRequired,
  inputResponse,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { type ConfirmationNeeded, confirmedAs } from "../access/confirmation.ts";
import { McpMqttError } from "../errors.ts";
import { sparkplugOf } from "../messages/payload.ts";
import { Semaphore } from "../mqtt/writing/semaphore.ts";
import { escapeUnseen } from "../text.ts";

/** How long the person may take to answer, in milliseconds. */
const ANSWER_MS = 5 * 60_000;
/** How many questions may be open that were asked by a result; the oldest are forgotten first. */
const MAX_OPEN = 100;
/** So many characters of a payload are shown; of a longer one also the digest. */
const MAX_SHOWN = 2_000;
const KEY = "confirm";

interface Open {
  readonly digest: string;
  readonly askedAt: number;
}

/** The questions to one person. */
export class Confirmations {
  /** One question at a time: two at once would be answered without being read. */
  readonly #turn = new Semaphore(1);
  readonly #open = new Map<string, Open>();
  readonly #answerMs: number;

  /** @param options.answerMs how long the person may take, in milliseconds; default 5 minutes. */
  constructor({ answerMs = ANSWER_MS }: { readonly answerMs?: number } = {}) {
    this.#answerMs = answerMs;
  }

  /**
   * What a call comes back with as confirmed; undefined for one that begins.
   *
   * @throws {McpMqttError} `declined` if the person did not say yes, in time, to this question.
   */
  answered({ mcpReq }: ServerContext): string | undefined {
    const state = mcpReq.requestState();
    if (typeof state !== "string") return undefined;
    const open = this.#open.get(state);
    // An answer counts once.
    this.#open.delete(state);
    const response = inputResponse(mcpReq.inputResponses, KEY);
    const isYes = response.kind === "elicit" && response.action === "accept";
    if (open === undefined || performance.now() - open.askedAt > this.#answerMs) {
      throw declined("the person did not answer in time");
    }
    if (!isYes) throw declined("the person said no");
    return open.digest;
  }

  /**
   * Asks.
   *
   * @returns what was confirmed, or the result that asks.
   * @throws {McpMqttError} `declined`: no, no answer in time, or a host that cannot ask.
   */
  async ask(
    needed: ConfirmationNeeded,
    context: ServerContext,
    { canAsk }: { readonly canAsk: boolean },
  ): Promise<{ readonly digest: string } | { readonly result: CallToolResult }> {
    if (!canAsk) throw needed;
    const { publication } = needed;
    const digest = confirmedAs(publication);
    const params: ElicitRequestFormParams = {
      mode: "form",
      message: question(needed),
      requestedSchema: { type: "object", properties: {} },
    };
    const { mcpReq } = context;
    if (mcpReq.envelope === undefined) {
      await this.#askNow(params, mcpReq);
      return { digest };
    }
    const state = crypto.randomUUID();
    this.#open.set(state, { digest, askedAt: performance.now() });
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
    const asked = inputRequired({
      inputRequests: { [KEY]: inputRequired.elicit(params) },
      requestState: state,
    });
    // The SDK takes it where it takes a result.
    return { result: asked as unknown as CallToolResult };
  }

  async #askNow(
    params: ElicitRequestFormParams,
    { id, elicitInput, signal }: ServerContext["mcpReq"],
  ): Promise<void> {
    const release = await this.#turn.acquire(signal);
    let action: string;
    try {
      // Without the id it would go over a stream that is there only if the client opens one.
      const options = { timeout: this.#answerMs, signal, relatedRequestId: id };
      ({ action } = await elicitInput(params, options));
    } catch (cause) {
      signal.throwIfAborted();
      throw declined("the person did not answer, or the host could not ask", cause);
    } finally {
      release();
    }
    if (action !== "accept") throw declined("the person said no");
  }
}

/** What the person reads. What comes from the agent stands in quotation marks, on lines of its own. */
function question({ publication }: ConfirmationNeeded): string {
  const { topic, payload, isText, qos, retain, properties } = publication;
  const sparkplug = sparkplugOf(payload);
  const [text, form] = sparkplug !== undefined
    ? [JSON.stringify(sparkplug), ", in Sparkplug B"]
    : isText
    ? [new TextDecoder().decode(payload), ""]
    : [payload.toBase64(), ", as base64"];
  const shown = quoted(text.slice(0, MAX_SHOWN));
  const more = text.length > MAX_SHOWN
    ? `, the first ${MAX_SHOWN} characters; SHA-256 of the whole ${confirmedAs(publication)}`
    : "";
  const { contentType, userProperties, messageExpiryInterval } = properties ?? {};
  const others = { contentType, userProperties, messageExpiryInterval };
  const hasOthers = Object.values(others).some((one) => one !== undefined);
  return [
    "An agent wants to publish this to the MQTT broker. Accept to send it.",
    `topic: ${quoted(topic)}`,
    `payload (${payload.length} bytes${form}${more}): ${shown}`,
    `QoS: ${qos}, retain: ${retain ? "yes" : "no"}`,
    ...(hasOthers
      ? [`properties: ${escapeUnseen(JSON.stringify(others)).slice(0, MAX_SHOWN)}`]
      : []),
  ].join("\n");
}

/** On one line, with all that is not seen shown. */
function quoted(text: string): string {
  return escapeUnseen(JSON.stringify(text));
}

function declined(message: string, cause?: unknown): McpMqttError {
  return new McpMqttError("declined", `${message}; nothing was sent`, {
    outcome: "not_sent",
    cause,
  });
}
