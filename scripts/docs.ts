/**
 * Writes what the docs take from the program: `docs/configuration.md`, and the marked sections of
 * `README.md`. With `--check` it writes nothing and fails where something is out of date.
 *
 *     deno run -A scripts/docs.ts [--check]
 *
 * @module
 */

import * as z from "zod/v4";
import { COMMANDS, OPTIONS, optionUsage, SETTINGS } from "../lib/cli/settings.ts";
import { bare } from "../lib/config/issues.ts";
import { loadConfig } from "../lib/config/load.ts";
import { configSchema } from "../lib/config/schema.ts";
import { offeredTools } from "../lib/tools/catalogue.ts";
import type { Tool } from "../lib/tools/tool.ts";

/** What stands between `<!-- generated:NAME -->` and `<!-- /generated -->`, by NAME. */
export const SECTIONS: Readonly<Record<string, () => string | Promise<string>>> = {
  commands: commandTable,
  config: configTables,
  environment: environmentTable,
  options: optionTable,
  tools: toolTable,
  ...Object.fromEntries(
    offeredTools({ readOnly: false }).map((tool) => [tool.name, () => argumentTable(tool)]),
  ),
};

/**
 * The text with its marked sections made anew.
 *
 * @throws {Error} for a section of an unknown name or without an end
 */
export async function replaceSections(text: string): Promise<string> {
  const [head = "", ...rest] = text.split(/<!-- generated:/);
  const parts = await Promise.all(rest.map(async (part) => {
    const [, name = "", tail] = /^([\w-]+) -->[^]*?<!-- \/generated -->([^]*)$/.exec(part) ?? [];
    const make = SECTIONS[name];
    if (make === undefined || tail === undefined) {
      throw new Error(`"<!-- generated:${part.slice(0, 20)}" has an unknown name, or no end`);
    }
    return `<!-- generated:${name} -->\n\n${(await make()).trim()}\n\n<!-- /generated -->${tail}`;
  }));
  return head + parts.join("");
}

function commandTable(): string {
  const shown = COMMANDS;
  const rows = shown.map(({ name, operands, help }) => [code(`${name} ${operands}`.trim()), help]);
  return table(["command", "does"], rows);
}

function optionTable(): string {
  const rows = OPTIONS.map((option) => [
    code(optionUsage(option)),
    option.help,
    option.env === undefined ? "" : code(option.env),
    option.key === undefined ? "" : code(option.key.join(".")),
  ]);
  return table(["option", "meaning", "environment", "key"], rows);
}

function environmentTable(): string {
  const rows = SETTINGS.flatMap(({ env, flag, key, help }) =>
    env === undefined ? [] : [[
      code(env),
      flag === undefined ? help : `as ${code(`--${flag}`)}, which wins over it`,
      key === undefined ? "" : code(key.join(".")),
    ]]
  );
  return table(["variable", "meaning", "key"], rows);
}

function configTables(): string {
  return sections("", configSchema).map(({ path, as, rows }) => {
    const title = path === "" ? "" : `**${code(path)}**`;
    if (as !== undefined) return `${title}: as ${code(as)}.`;
    return `${title}\n\n${table(["key", "value", "default", "meaning"], rows)}`;
  }).join("\n\n");
}

function toolTable(): string {
  const rows = offeredTools({ readOnly: false }).map((tool) => {
    const [does = ""] = tool.description.split(/(?<=\.)\s/);
    return [code(tool.name), does, tool.effect === "write" ? "yes" : ""];
  });
  return table(["tool", "does", "writes"], rows);
}

async function argumentTable(tool: Tool): Promise<string> {
  const effects = { readTextFile: () => Promise.resolve("{}"), env: () => undefined };
  const { limits } = await loadConfig({ path: "defaults", effects });
  const { properties = {}, required = [] } = z.toJSONSchema(tool.input(limits), { io: "input" });
  const rows = Object.entries(properties).map(([name, schema]) => {
    const { type, enum: values, default: fallback, description = "", anyOf } =
      schema as z.core.JSONSchema.JSONSchema;
    const kinds = values ??
      (anyOf ?? [{ type }]).map((one) => (one as { type?: string }).type ?? "");
    return [
      code(name),
      kinds.map(String).join(", "),
      required.includes(name) ? "*needed*" : fallback === undefined ? "" : code(String(fallback)),
      description || ((anyOf?.[0] ?? {}) as { description?: string }).description || "",
    ];
  });
  return rows.length === 0
    ? "It takes no arguments."
    : table(["argument", "kind", "default", "meaning"], rows);
}

interface Section {
  readonly path: string;
  /** Where the same keys have been told before; then there are no rows. */
  readonly as?: string;
  readonly rows: readonly (readonly string[])[];
}

/** A table for each object of the config, the outer ones first. */
function sections(
  path: string,
  schema: z.core.$ZodType,
  told = new Map<z.core.$ZodType, string>(),
): Section[] {
  const inner = bare(schema);
  if (inner instanceof z.ZodArray) return sections(`${path}[]`, inner.element, told);
  if (inner instanceof z.ZodRecord) return sections(`${path}.NAME`, inner.valueType, told);
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((one) => sections(path, one, told));
  if (!(inner instanceof z.ZodObject)) return [];
  const as = told.get(inner);
  if (as !== undefined) return [{ path, as, rows: [] }];
  told.set(inner, path);
  const entries = Object.entries(inner.shape);
  const rows = entries.map(([key, child]) => [
    code(key),
    valueOf(child),
    defaultOf(child),
    child instanceof z.ZodType ? child.description ?? "" : "",
  ]);
  const below = entries.flatMap(([key, child]) =>
    sections(path === "" ? key : `${path}.${key}`, child, told)
  );
  return [{ path, rows }, ...below];
}

function valueOf(schema: z.core.$ZodType): string {
  const orNull = schema instanceof z.ZodDefault && schema.unwrap() instanceof z.ZodNullable;
  return kindOf(bare(schema)) + (orNull ? " or `null`" : "");
}

function kindOf(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodPipe) return kindOf(schema.in);
  if (schema instanceof z.ZodString) return "text";
  if (schema instanceof z.ZodNumber) return schema.format === "safeint" ? "integer" : "number";
  if (schema instanceof z.ZodBoolean) return "`true` or `false`";
  if (schema instanceof z.ZodEnum) {
    return schema.options.map((option) => code(JSON.stringify(option))).join(", ");
  }
  if (schema instanceof z.ZodLiteral) {
    return [...schema.values].map((v) => code(String(v))).join(", ");
  }
  if (schema instanceof z.ZodNull) return "`null`";
  if (schema instanceof z.ZodArray) return `list of ${kindOf(bare(schema.element))}`;
  if (schema instanceof z.ZodObject || schema instanceof z.ZodRecord) return "object";
  if (schema instanceof z.ZodUnion) {
    return schema.options.map((one) => kindOf(bare(one))).join(" or ");
  }
  throw new TypeError("a kind of value that the docs have no word for");
}

function defaultOf(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodDefault) return code(JSON.stringify(schema.def.defaultValue));
  if (schema instanceof z.ZodOptional) return "";
  if (!(schema instanceof z.ZodPrefault)) return "*needed*";
  const { defaultValue } = schema.def;
  // The default of a section is that of its keys.
  return bare(schema) instanceof z.ZodObject ? "" : code(JSON.stringify(defaultValue));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Formats as `deno fmt` does, so that its check and this one agree. */
async function formatted(markdown: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "--line-width", "100", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(markdown));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error("deno fmt failed");
  return new TextDecoder().decode(stdout);
}

/** The files that have generated sections; one that does not exist is passed over. */
const FILES = ["docs/configuration.md", "docs/tools.md", "README.md"];

async function main(check: boolean): Promise<number> {
  let stale = 0;
  for (const file of FILES) {
    const url = new URL(`../${file}`, import.meta.url);
    const before = await Deno.readTextFile(url).catch((cause) => {
      if (cause instanceof Deno.errors.NotFound) return undefined;
      throw cause;
    });
    if (before === undefined || !before.includes("<!-- generated:")) continue;
    const after = await formatted(await replaceSections(before));
    if (after === before) continue;
    if (!check) await Deno.writeTextFile(url, after);
    stale++;
    console.error(
      check ? `${file} is out of date; run: deno run -A scripts/docs.ts` : `wrote ${file}`,
    );
  }
  return check && stale > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args.includes("--check"));
