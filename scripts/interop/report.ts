/**
 * The generated part of `docs/brokers.md`.
 *
 * @module
 */
import type { Outcome } from "./check.ts";
import type { BrokerReport, Column, Skipped } from "./conformance.ts";
import { NOTES } from "./notes.ts";
import { OBSERVATIONS } from "./observations.ts";

const BEGIN = "<!-- generated:interop -->";
const END = "<!-- /generated -->";

/**
 * Puts the report between the marks.
 *
 * @throws {Error} where the marks are missing
 */
export function withReport(text: string, report: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the marks ${BEGIN} and ${END} are missing`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${report.trim()}\n\n${text.slice(end)}`;
}

/** The tables, their footnotes, and the brokers that were left out. */
export function reportOf(
  results: readonly (BrokerReport | Skipped)[],
  checks: readonly { readonly name: string }[],
): string {
  const reports = results.filter((one): one is BrokerReport => "columns" in one);
  const skipped = results.filter((one): one is Skipped => "reason" in one);
  const columns = reports.flatMap(({ name, columns }) =>
    columns.map((column) => ({ head: `${name} ${column.protocol}`, ...column }))
  );
  const heads = columns.map(({ head }) => head);
  const footnotes = new Footnotes();
  const outcomes = checks.map(({ name }) => [
    name,
    ...columns.map((column) => cell(column, name, footnotes)),
  ]);
  const observations = OBSERVATIONS.map((question) => [
    question,
    ...columns.map((column) => column.observations.get(question) ?? ""),
  ]);
  return [
    "### What was run",
    table(["broker", "version", "MQTT"], [
      ...reports.map(({ name, version, columns }) => [
        name,
        version,
        columns.map(({ protocol }) => protocol).join(", "),
      ]),
      ...skipped.map(({ name, reason }) => [name, `left out: ${reason}`, ""]),
    ]),
    "### What mcpmqtt gives on it",
    table(["check", ...heads], outcomes),
    footnotes.lines().join("\n"),
    "### How the brokers differ",
    table(["seen with a plain client", ...heads], observations),
  ].filter((part) => part !== "").join("\n\n");
}

/** Numbers them in the order in which they appear. */
class Footnotes {
  readonly #texts: string[] = [];

  number(text: string): number {
    if (!this.#texts.includes(text)) this.#texts.push(text);
    return this.#texts.indexOf(text) + 1;
  }

  lines(): string[] {
    return this.#texts.map((text, i) => `${i + 1}. ${text}`);
  }
}

function cell({ outcomes }: Column, name: string, footnotes: Footnotes): string {
  const outcome = outcomes.get(name);
  if (outcome === undefined) return "";
  const note = noteOf(outcome);
  return outcome.answer + (note === undefined ? "" : ` <sup>${footnotes.number(note)}</sup>`);
}

function noteOf({ note, fault }: Outcome): string | undefined {
  if (note !== undefined) return NOTES[note];
  return fault === undefined ? undefined : `Not explained yet: ${fault.replaceAll("|", "\\|")}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
