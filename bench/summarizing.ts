/**
 * What a summary costs: 100,000 messages of 1,000 topics in one pass.
 *
 * @module
 */
import type { Message } from "../lib/messages/message.ts";
import { Fields } from "../lib/messages/fields.ts";
import { contentOf } from "../lib/messages/payload.ts";
import { Summary } from "../lib/messages/summary.ts";
import { Survey } from "../lib/messages/survey.ts";
import { type BenchOptions, formatRate, type Line, type Section } from "./report.ts";

const TOPICS = 1_000;
const MB = 1024 * 1024;

/** Summaries and a survey, compared with parsing the payloads alone. */
export function summarizing({ quick }: BenchOptions): Promise<Section> {
  const count = quick ? 10_000 : 100_000;
  const run = (take: (message: Message) => void): { ms: number; peakMb: number } => {
    const before = Deno.memoryUsage().heapUsed;
    let peak = before;
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      take(messageOf(i));
      if (i % 1_000 === 0) peak = Math.max(peak, Deno.memoryUsage().heapUsed);
    }
    return { ms: performance.now() - start, peakMb: (peak - before) / MB };
  };
  const parse = (): (message: Message) => void => ({ payload }) => {
    contentOf(payload, JSON.parse);
  };
  run(parse());
  const baseline = run(parse());
  const line = (name: string, take: (message: Message) => void): Line => {
    const { ms, peakMb } = run(take);
    const measured = `${formatRate(count, ms)}, heap at most ${
      Math.max(0, peakMb).toFixed(0)
    } MB more`;
    return { name, ratio: ms / baseline.ms, measured };
  };
  const all = new Summary(undefined);
  const named = new Summary(new Fields(["/t"], "summary"));
  const survey = new Survey();
  return Promise.resolve({
    title: `${count.toLocaleString("en")} messages of ${
      TOPICS.toLocaleString("en")
    } topics in one pass`,
    baseline: "making the same messages and parsing their payloads; lower is faster",
    lines: [
      line("summary of all numbers", (message) => all.add(message)),
      line("summary of one named value", (message) => named.add(message)),
      line("survey, as mqtt_topics makes it", (message) => survey.add(message)),
    ],
    notes: [`counted: ${all.count}, ${named.count}, ${[...survey.topics()].length} topics`],
  });
}

const encoder = new TextEncoder();

function messageOf(i: number): Message {
  const reading = {
    t: 20 + i % 100 / 10,
    humidity: i % 60,
    battery: 97,
    state: "ok",
    id: `d${i % TOPICS}`,
  };
  return {
    topic: `plant/${i % TOPICS}/reading`,
    payload: encoder.encode(JSON.stringify(reading)),
    qos: 0,
    retain: false,
    receivedAt: i,
  };
}
