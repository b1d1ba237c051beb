import assert from "node:assert/strict";
import { parse, type ParseError } from "jsonc-parser";
import { configRequest, parseArguments } from "../lib/cli/options.ts";
import { loadConfig } from "../lib/config/load.ts";
import { offeredTools } from "../lib/tools/catalogue.ts";
import { Permissions } from "../lib/topics/permissions.ts";
import { parseTopicFilter } from "../lib/topics/topic_filter.ts";
import { fromFileUrl } from "./paths.ts";

const root = fromFileUrl(new URL("../", import.meta.url));

interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

async function markdownFiles(folder = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(`${root}${folder}`)) {
    const path = `${folder}${entry.name}`;
    if (entry.isFile && path.endsWith(".md")) files.push(path);
    if (entry.isDirectory && /^docs|^packaging/.test(path)) {
      files.push(...await markdownFiles(`${path}/`));
    }
  }
  return files.sort();
}

async function blocks(): Promise<Block[]> {
  const found: Block[] = [];
  for (const file of await markdownFiles()) {
    const text = await Deno.readTextFile(`${root}${file}`);
    for (const match of text.matchAll(/^( *)```(\w*)\n([^]*?)^ *```$/gm)) {
      const [, indent = "", language = "", body = ""] = match;
      const line = text.slice(0, match.index).split("\n").length;
      const lines = body.split("\n").map((one) => one.slice(indent.length));
      found.push({ file, line, language, text: lines.join("\n") });
    }
  }
  return found;
}

function parseJsonc({ file, line, text }: Block): unknown {
  const faults: ParseError[] = [];
  const value = parse(text, faults, { allowTrailingComma: true });
  assert.deepEqual(faults, [], `${file}:${line} is not JSON`);
  return value;
}

function isConfig(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && ("topics" in value || "mqtt" in value);
}

Deno.test("every JSON block of the docs parses, and every config in them loads", async () => {
  let configs = 0;
  for (const block of await blocks()) {
    if (block.language !== "json" && block.language !== "jsonc") continue;
    const value = parseJsonc(block);
    if (!isConfig(value) || block.file === "docs/tools.md") continue;
    configs++;
    const readTextFile = (path: string): Promise<string> =>
      Promise.resolve(path === "/config.json" ? block.text : "-----BEGIN SECRET-----");
    await loadConfig({
      path: "/config.json",
      effects: { readTextFile, env: () => "secret" },
    });
  }
  assert(configs >= 7, `only ${configs} configs were found`);
});

Deno.test("the Zigbee2MQTT recipe grants devices, names with a slash and the list of them, and not the bridge", async () => {
  const recipe = (await blocks()).filter(({ file, language }) =>
    file === "docs/recipes/zigbee2mqtt.md" && language === "jsonc"
  );
  const rules = (await Promise.all(recipe.map(async ({ text }) => {
    const effects = { readTextFile: () => Promise.resolve(text), env: () => "secret" };
    return (await loadConfig({ path: "/config.json", effects })).rules;
  }))).flat();
  const permissions = new Permissions(rules);
  const may = (action: "read" | "write", ...names: string[]): boolean[] =>
    names.map((name) => permissions.decide(`zigbee2mqtt/${name}`, action).allowed);
  assert.deepEqual(may("read", "lamp", "kitchen/lamp", "bridge/devices"), [true, true, true]);
  assert.deepEqual(may("write", "lamp/set", "kitchen/lamp/set"), [true, true]);
  assert.deepEqual(may("write", "bridge/set", "bridge/request/set", "lamp"), [false, false, false]);
});

Deno.test("every mcpmqtt command in a shell block of the docs is one", async () => {
  let commands = 0;
  for (const { file, line, language, text } of await blocks()) {
    if (language !== "sh") continue;
    for (const command of text.split("\n").filter((one) => one.startsWith("mcpmqtt"))) {
      commands++;
      const [, ...args] = command.split(" ");
      assert.doesNotThrow(() => parseArguments(args), `${file}:${line}: ${command}`);
    }
  }
  assert(commands >= 3, `only ${commands} commands were found`);
});

interface HostEntry {
  readonly at: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** What a host would start, by whatever key it stands under. */
function hostEntries(value: unknown, at: string): HostEntry[] {
  if (typeof value !== "object" || value === null) return [];
  const { command, args = [] } = value as Record<string, unknown>;
  if (typeof command === "string") return [{ at, command, args: args as string[] }];
  return Object.values(value).flatMap((one) => hostEntries(one, at));
}

/** The program's own arguments. */
function ownArguments({ at, command, args }: HostEntry): readonly string[] {
  const line = [command, ...args];
  const starts = [["npx", "-y", "mcpmqtt"], ["cmd", "/c", "npx", "-y", "mcpmqtt"], ["mcpmqtt"]];
  const start = starts.find((words) => words.every((word, index) => line[index] === word));
  assert(start, `${at}: ${line.join(" ")} does not start the program`);
  return line.slice(start.length);
}

Deno.test("every block for a host starts the program with arguments that it takes", async () => {
  const found: HostEntry[] = [];
  for (const block of await blocks()) {
    const at = `${block.file}:${block.line}`;
    if (block.language === "json") found.push(...hostEntries(parseJsonc(block), at));
    if (block.language === "python") {
      const [, command = "", args = "[]"] =
        /"command": "(\w+)", "args": (\[.*?\])/.exec(block.text) ?? [];
      found.push({ at, command, args: JSON.parse(args) });
    }
    if (block.language !== "sh") continue;
    for (const [, line = ""] of block.text.matchAll(/ -- (npx -y mcpmqtt.*)$/gm)) {
      const [command = "", ...args] = line.replaceAll('"', "").split(" ");
      found.push({ at, command, args });
    }
  }
  const example = await Deno.readTextFile(`${root}examples/mcp.json`);
  found.push(...hostEntries(JSON.parse(example), "examples/mcp.json"));
  assert(found.length >= 11, `only ${found.length} were found`);
  for (const entry of found) {
    const args = ownArguments(entry);
    assert.doesNotThrow(() => parseArguments(args), `${entry.at}: ${args.join(" ")}`);
  }
});

Deno.test("the client of docs/hosts.md reads a message, with main.ts in the place of npx", async () => {
  const client = (await blocks()).find(({ file, language }) =>
    file === "docs/hosts.md" && language === "ts"
  );
  assert(client);
  const dir = await Deno.makeTempDir({ prefix: "mcpmqtt-docs-" });
  try {
    const args = ["run", "-q", "-P", `--config=${root}deno.json`, `${root}main.ts`, "--demo"];
    const started = `command: ${JSON.stringify(Deno.execPath())}, args: ${JSON.stringify(args)}`;
    const text = client.text.replace(/command: "npx", args: \[.*\]/, started);
    assert.notEqual(text, client.text);
    await Deno.writeTextFile(`${dir}/client.ts`, text);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", "--check", `--config=${root}deno.json`, `${dir}/client.ts`],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    const decoder = new TextDecoder();
    assert.equal(code, 0, decoder.decode(stderr));
    assert.match(decoder.decode(stdout), /topic: "sensors\/kitchen\/temperature"/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("every deno task named in the docs exists, with the pinned version", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  let named = 0;
  for (const file of await markdownFiles()) {
    const text = await Deno.readTextFile(`${root}${file}`);
    for (const [, version, task = ""] of text.matchAll(/deno(?:@([\d.]+))? task ([a-z-]+)/g)) {
      named++;
      assert(task in tasks, `${file}: there is no task ${task}`);
      assert(version === undefined || version === "2.9.6", `${file}: deno@${version}`);
    }
  }
  assert(named >= 4);
});

Deno.test("every link between the docs leads to a file", async () => {
  for (const file of await markdownFiles()) {
    const text = await Deno.readTextFile(`${root}${file}`);
    for (const [, target = ""] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      const url = new URL(target, `file://${root}${file}`);
      await assert.doesNotReject(Deno.stat(url), `${file}: ${target}`);
    }
  }
});

Deno.test("README.md has the block for the host before line 40", async () => {
  const found = (await blocks()).find(({ file, text }) =>
    file === "README.md" && text.includes('"mcpServers"')
  );
  assert(found !== undefined && found.line < 40, `it is at line ${found?.line}`);
});

Deno.test("docs/tools.md has an exchange for each tool, valid by its schemas", async () => {
  const file = "docs/tools.md";
  const text = await Deno.readTextFile(`${root}${file}`);
  const { limits } = await loadConfig({
    path: "/c.json",
    effects: { readTextFile: () => Promise.resolve("{}"), env: () => undefined },
  });
  for (const tool of offeredTools({ readOnly: false })) {
    const [, section = ""] = text.split(`\n## ${tool.name}\n`);
    const [chapter = ""] = section.split("\n## ");
    const [args, result] = [...chapter.matchAll(/^```json\n([^]*?)^```$/gm)].map(([, json = ""]) =>
      JSON.parse(json)
    );
    assert.doesNotThrow(() => tool.input(limits).parse(args), `${tool.name}: arguments`);
    assert.doesNotThrow(() => tool.output.parse(result), `${tool.name}: result`);
  }
});

Deno.test("docs/configuration.md shows the faults of a config as they are told", async () => {
  const text = await Deno.readTextFile(`${root}docs/configuration.md`);
  const [, shown = ""] = /^```text\n(config\.json:[^]*?)^```$/m.exec(text) ?? [];
  const config = `{
  "mqtt": {
    "pasword": "x"
  },
  "topics": [
    {
      "pattern": "a/b",
      "permissions": ["raed"]
    }
  ]
}`;
  const env: Readonly<Record<string, string>> = { MCPMQTT_PORT: "abc" };
  const effects = { readTextFile: () => Promise.resolve(config), env: (name: string) => env[name] };
  const { overrides } = configRequest(parseArguments([]).options, effects.env);
  const loading = loadConfig({ path: "config.json", overrides, effects });
  await assert.rejects(loading, { message: shown.trimEnd() });
});

Deno.test("docs/permissions.md says of its examples what narrow() does", async () => {
  const text = await Deno.readTextFile(`${root}docs/permissions.md`);
  const rows = [...text.matchAll(/^\| `([^`]+)` +\| ([^|]+) \| ([^|]+) \| (true|false|—) +\|$/gm)];
  assert(rows.length >= 6, `only ${rows.length} rows were found`);
  for (const [, asked = "", granted = "", subscribed = "", narrowed = ""] of rows) {
    if (asked.startsWith("$share")) continue;
    const permissions = new Permissions(
      quotedIn(granted).map((pattern) => ({
        pattern: parseTopicFilter(pattern),
        permissions: ["read"],
        deny: [],
        retain: false,
      })),
    );
    const narrowing = permissions.narrow([parseTopicFilter(asked)]);
    assert.deepEqual(narrowing.filters.map((filter) => filter.text), quotedIn(subscribed), asked);
    if (narrowed !== "—") assert.equal(String(narrowing.narrowed), narrowed, asked);
  }
});

function quotedIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
}
