/**
 * What it costs to cut a hundred topic filters down to what 10,000 rules grant.
 *
 * @module
 */
import { McpMqttError } from "../lib/errors.ts";
import { Permissions, type Rule } from "../lib/topics/permissions.ts";
import { parseTopicFilter, type TopicFilter } from "../lib/topics/topic_filter.ts";
import { atMost, type BenchOptions, formatMs, type Line, type Section } from "./report.ts";
import { inTurns, median } from "./samples.ts";

/** What is aimed at: no more than so many times what reading the same filters and rules takes. */
const MAX_RATIO = 10;

/** Filters that are asked for, and patterns that grant read. */
interface Case {
  readonly requested: readonly string[];
  readonly granted: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  "# by 10,000 rules": {
    requested: ["#"],
    granted: list(10_000, (i) => `site/${i}/+/temperature`),
  },
  "100 filters, each covers 100 rules": {
    requested: list(100, (i) => `site${i}/#`),
    granted: list(10_000, (i) => `site${i % 100}/device${i}/+`),
  },
  "100 filters, each crosses 100 rules: 10,000 new filters": {
    requested: list(100, (i) => `site${i}/+/+/temperature`),
    granted: list(10_000, (i) => `site${i % 100}/device${i}/#`),
  },
  "100 filters that cross none of 10,000 rules": {
    requested: list(100, (i) => `+/+/+/+/x${i}`),
    granted: list(10_000, (i) => `a${i % 10}/b${i % 100}/c${i}/d/y`),
  },
  "a million intersections, refused": {
    requested: list(100, (i) => `+/+/x${i}`),
    granted: list(10_000, (i) => `site${i}/#`),
  },
};

/** Reads filters and rules, then narrows the filters: for the first time, and again. */
export async function narrowing({ quick }: BenchOptions): Promise<Section> {
  const lines: Line[] = [];
  for (const [name, { requested, granted }] of Object.entries(CASES)) {
    let filters: TopicFilter[] = [];
    let permissions = new Permissions([]);
    const times = await inTurns({
      reading: () =>
        timed(() => {
          filters = requested.map(parseTopicFilter);
          permissions = new Permissions(granted.map(ruleOf));
        }),
      first: () => timed(() => narrow(permissions, filters)),
      again: () => timed(() => narrow(permissions, filters)),
    }, quick ? 5 : 15);
    for (const which of ["first", "again"] as const) {
      const ratio = median(times[which]) / median(times.reading);
      lines.push({
        name: which === "first" ? name : "  again",
        ratio,
        measured: formatMs(median(times[which])),
        goal: atMost(MAX_RATIO, ratio),
      });
    }
  }
  return {
    title: "Narrowing filters to the rules",
    baseline: "parsing the same filters and rules",
    lines,
    notes: ["what rules have to do with each other is found out once, by the first call"],
  };
}

function list(count: number, item: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => item(i));
}

function ruleOf(pattern: string): Rule {
  return { pattern: parseTopicFilter(pattern), permissions: ["read"], deny: [], retain: false };
}

function narrow(permissions: Permissions, filters: readonly TopicFilter[]): void {
  try {
    permissions.narrow(filters);
  } catch (error) {
    if (!(error instanceof McpMqttError)) throw error;
  }
}

function timed(run: () => void): Promise<number> {
  const start = performance.now();
  run();
  return Promise.resolve(performance.now() - start);
}
