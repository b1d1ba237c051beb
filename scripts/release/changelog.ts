/**
 * The release notes: what CHANGELOG.md says of a version.
 *
 * @module
 */

/** One version of the changelog. */
export interface ChangelogEntry {
  /** `2026-11-30`, or undefined for one that is not released yet. */
  readonly date: string | undefined;
  readonly text: string;
}

/**
 * The entry of a version, or undefined where there is none.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { changelogEntry } from "./changelog.ts";
 *
 * const entry = changelogEntry("# Changelog\n\n## [1.0.0] - 2026-11-30\n\n- More.\n", "1.0.0");
 * assert.deepEqual(entry, { date: "2026-11-30", text: "- More." });
 * ```
 */
export function changelogEntry(changelog: string, version: string): ChangelogEntry | undefined {
  const section = changelog.split(/^## /m).find((one) => one.startsWith(`[${version}] - `));
  if (section === undefined) return undefined;
  const [heading = "", ...lines] = section.split("\n");
  const [date] = /\d{4}-\d{2}-\d{2}$/.exec(heading) ?? [];
  return { date, text: lines.join("\n").trim() };
}
