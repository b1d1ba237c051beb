/**
 * How a broker behaves where the standard leaves a choice, or the broker does not keep to it: seen
 * with mqtt.js alone, so that the table tells what the library has to deal with.
 *
 * @module
 */
import type { IClientSubscribeOptions } from "mqtt";
import { connectClient, type TestClient } from "../../tests/brokers/client.ts";
import { until } from "../../tests/brokers/until.ts";
import { PROHIBITED } from "./broker.ts";
import type { Context } from "./check.ts";

/** The questions, in the order of the table. */
export const OBSERVATIONS = [
  "CONNECT of MQTT 5",
  "Receive Maximum",
  "Maximum Packet Size",
  "QoS granted when 2 is asked for",
  "Copies for two overlapping filters",
  "Second SUBSCRIBE of a filter held replays retained",
  "Retain Handling 2 keeps retained back",
  "`#` matches `$SYS`",
  "Forbidden SUBSCRIBE",
  "Forbidden PUBLISH at QoS 0",
  "Forbidden PUBLISH at QoS 1",
  "PUBACK where nobody is subscribed",
] as const;

/** One of {@linkcode OBSERVATIONS}. */
export type Observation = typeof OBSERVATIONS[number];

/** How long silence has to last until it counts as an answer, in milliseconds. */
const SILENCE_MS = 1_500;

const ASK: Readonly<Record<Observation, (context: Context) => Promise<string>>> = {
  "CONNECT of MQTT 5": async ({ broker }) => {
    try {
      await using _client = await connectClient(broker, { version: "5" });
      return "accepted";
    } catch (error) {
      const { code } = error as { code?: unknown };
      return typeof code === "number" ? `refused, ${hex(code)}` : "closed";
    }
  },
  "Receive Maximum": (context) => announced(context, "receiveMaximum"),
  "Maximum Packet Size": (context) => announced(context, "maximumPacketSize"),
  "QoS granted when 2 is asked for": (context) =>
    connected(context, async (client) => {
      const [grant] = await client.subscribe(context.topic(), { qos: 2 });
      return String(grant?.qos);
    }),
  "Copies for two overlapping filters": (context) =>
    connected(context, async (client) => {
      const topic = context.topic();
      await client.subscribe(`${topic}/+`);
      await client.subscribe(`${topic}/#`);
      await client.publish(`${topic}/a`, "x", { qos: 1 });
      await silence();
      return String(client.received.length);
    }),
  "Second SUBSCRIBE of a filter held replays retained": (context) =>
    connected(context, async (client) => {
      const topic = context.topic();
      await client.publish(topic, "kept", { qos: 1, retain: true });
      await client.subscribe(topic);
      await client.collect(1);
      await client.subscribe(topic);
      await silence();
      return yes(client.received.length > 1);
    }),
  "Retain Handling 2 keeps retained back": (context) =>
    context.version === "3.1.1" ? NOT_IN_3 : connected(context, async (client) => {
      const topic = context.topic();
      await client.publish(topic, "kept", { qos: 1, retain: true });
      const options: IClientSubscribeOptions = { qos: 0, rh: 2 };
      await client.subscribe(topic, options);
      await silence();
      return yes(client.received.length === 0);
    }),
  "`#` matches `$SYS`": (context) =>
    connected(context, async (client) => {
      await client.subscribe("#");
      await silence();
      return yes(client.received.some(({ topic }) => topic.startsWith("$")));
    }),
  "Forbidden SUBSCRIBE": (context) =>
    connected(context, (client) => {
      const answer = answerTo(client);
      client.mqtt.subscribe(PROHIBITED, () => {});
      return answer;
    }),
  "Forbidden PUBLISH at QoS 0": (context) => forbiddenPublish(context, 0),
  "Forbidden PUBLISH at QoS 1": (context) => forbiddenPublish(context, 1),
  "PUBACK where nobody is subscribed": (context) =>
    context.version === "3.1.1" ? NOT_IN_3 : connected(context, (client) => {
      const answer = answerTo(client);
      client.mqtt.publish(context.topic(), "x", { qos: 1 }, () => {});
      return answer;
    }),
};

const NOT_IN_3 = Promise.resolve("–");

/** Asks everything. */
export async function observe(context: Context): Promise<ReadonlyMap<Observation, string>> {
  const answers = new Map<Observation, string>();
  for (const question of OBSERVATIONS) {
    answers.set(question, await ASK[question](context).catch(() => "no answer"));
  }
  return answers;
}

async function announced(
  context: Context,
  name: "receiveMaximum" | "maximumPacketSize",
): Promise<string> {
  if (context.version === "3.1.1") return await NOT_IN_3;
  const mqtt = await import("mqtt");
  const { host, port } = context.broker;
  const client = mqtt.connect(`mqtt://${host}:${port}`, { protocolVersion: 5, reconnectPeriod: 0 });
  const value = await new Promise<string>((resolve) =>
    client.once("connect", ({ properties }) => resolve(String(properties?.[name] ?? "–")))
  );
  await client.endAsync();
  return value;
}

async function forbiddenPublish(context: Context, qos: 0 | 1): Promise<string> {
  return await connected(context, (client) => {
    const answer = answerTo(client);
    client.mqtt.publish(PROHIBITED, "x", { qos }, () => {});
    return answer;
  });
}

/** The next packet that answers something, with its reason code as it came; or the end, or silence. */
async function answerTo({ mqtt }: TestClient): Promise<string> {
  let answer = "";
  mqtt.on("packetreceive", (packet) => {
    if (!["suback", "puback", "disconnect"].includes(packet.cmd)) return;
    const { reasonCode, granted } = packet as { reasonCode?: number; granted?: number[] };
    const code = reasonCode ?? granted?.[0];
    answer ||= packet.cmd.toUpperCase() + (code === undefined ? "" : ` ${hex(code)}`);
  });
  mqtt.on("close", () => answer ||= "closed");
  try {
    return await until(() => answer, { deadlineMs: SILENCE_MS });
  } catch {
    return "silence";
  }
}

async function connected(
  context: Context,
  action: (client: TestClient) => Promise<string>,
): Promise<string> {
  await using client = await context.device();
  return await action(client);
}

function silence(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
}

function yes(is: boolean): string {
  return is ? "yes" : "no";
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
}
