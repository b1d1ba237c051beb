/**
 * What the benchmark prints: one line a figure, each a ratio to a baseline of the same run.
 *
 * @module
 */

const NAME_WIDTH = 60;
const RATIO_WIDTH = 9;

/** One figure. */
export interface Line {
  readonly name: string;
  /** A ratio to the section's baseline, or undefined where there is none to compare with. */
  readonly ratio?: number;
  /** What was measured on this machine, in words: it explains the ratio and is no promise. */
  readonly measured: string;
  /** What is aimed at. */
  readonly goal?: { readonly text: string; readonly isMet: boolean };
}

/** The figures of one question. */
export interface Section {
  readonly title: string;
  /** What the ratios are ratios to. */
  readonly baseline: string;
  readonly lines: readonly Line[];
  readonly notes?: readonly string[];
}

/** What each question is asked with. */
export interface BenchOptions {
  /** Fewer repetitions and smaller loads. */
  readonly quick: boolean;
}

/** Prints the section to stdout. */
export function print({ title, baseline, lines, notes = [] }: Section): void {
  console.log(`\n${title}\n${"─".repeat(title.length)}\n  baseline: ${baseline}`);
  for (const { name, ratio, measured, goal } of lines) {
    const shownRatio = ratio === undefined ? "" : `× ${ratio.toFixed(2)}`;
    const shownGoal = goal === undefined ? "" : `   ${goal.isMet ? "✓" : "✗"} goal ${goal.text}`;
    console.log(
      `  ${name.padEnd(NAME_WIDTH)}${shownRatio.padEnd(RATIO_WIDTH)}${measured}${shownGoal}`,
    );
  }
  for (const note of notes) console.log(`  (${note})`);
}

/** A goal that is met by a ratio or number of at most `limit`. */
export function atMost(limit: number, value: number, unit = ""): NonNullable<Line["goal"]> {
  return { text: `≤ ${limit}${unit}`, isMet: value <= limit };
}

/** A goal that is met by a ratio or number of at least `limit`. */
export function atLeast(limit: number, value: number, unit = ""): NonNullable<Line["goal"]> {
  return { text: `≥ ${limit}${unit}`, isMet: value >= limit };
}

/** A time with three figures and its unit. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toPrecision(3)} s`;
  if (ms >= 1) return `${ms.toPrecision(3)} ms`;
  return ms >= 0.001 ? `${(ms * 1_000).toPrecision(3)} µs` : `${(ms * 1e6).toPrecision(3)} ns`;
}

/** Messages a second, rounded to hundreds. */
export function formatRate(messages: number, ms: number): string {
  return `${(Math.round(messages / ms * 10) * 100).toLocaleString("en")} messages/s`;
}
