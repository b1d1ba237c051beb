import assert from "node:assert/strict";
import { fromFileUrl } from "./paths.ts";

/** The layers, from the outside in. A file imports from its own layer and from those after it. */
const LAYERS: readonly (readonly string[])[] = [
  ["main.ts"],
  ["lib/cli/"],
  ["lib/mcp/", "demo/"],
  ["lib/tools/", "lib/resources/", "lib/prompts/"],
  ["lib/access/"],
  ["lib/devices/"],
  ["lib/mqtt/"],
  ["lib/config/"],
  ["lib/topics/"],
  ["lib/messages/"],
  ["lib/errors.ts", "lib/log.ts", "lib/text.ts", "lib/turns.ts", "lib/wait.ts", "lib/version.ts"],
];

/** Packages that are imported in one place only. */
const HOMES: ReadonlyArray<readonly [string, RegExp]> = [
  ["npm:mqtt@", /^lib\/mqtt\/link\//],
  ["npm:@modelcontextprotocol/server@", /^lib\/mcp\//],
  ["npm:aedes@", /^demo\//],
  ["npm:jsonc-parser@", /^lib\/(config\/|cli\/commands\/genkey\.ts$)/],
];

interface Module {
  readonly specifier: string;
  readonly dependencies?: ReadonlyArray<{
    readonly specifier: string;
    readonly code?: { readonly specifier: string };
    readonly type?: { readonly specifier: string };
  }>;
}

const root = fromFileUrl(new URL("../", import.meta.url));

async function moduleGraph(): Promise<Map<string, string[]>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: root,
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  return new Map(
    modules
      .filter(({ specifier }) => specifier.startsWith("file:") && specifier.endsWith(".ts"))
      .map(({ specifier, dependencies = [] }) => [
        relative(specifier),
        dependencies
          .flatMap(({ code, type }) => [code?.specifier, type?.specifier])
          .filter((one) => one !== undefined)
          .map(relative),
      ]),
  );
}

function relative(specifier: string): string {
  const base = new URL("../", import.meta.url).href;
  return specifier.startsWith(base) ? specifier.slice(base.length) : specifier;
}

function layerOf(path: string): number {
  return LAYERS.findIndex((prefixes) => prefixes.some((prefix) => path.startsWith(prefix)));
}

Deno.test("the module graph has every file in a layer, and no arrow points back", async () => {
  const graph = await moduleGraph();
  assert(graph.size > 50, `the graph has only ${graph.size} files`);
  const faults: string[] = [];
  for (const [from, targets] of graph) {
    if (layerOf(from) < 0) faults.push(`${from} is in no layer`);
    for (const to of targets) {
      if (to.endsWith(".ts") && layerOf(to) < layerOf(from)) faults.push(`${from} → ${to}`);
    }
  }
  assert.deepEqual(faults, []);
});

Deno.test("the module graph has each package only in its home", async () => {
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const [from, targets] of await moduleGraph()) {
    for (const to of targets) {
      const home = HOMES.find(([prefix]) =>
        to.startsWith(prefix) || to.includes(`/${prefix.slice(4)}`)
      );
      if (home === undefined) continue;
      seen.add(home[0]);
      if (!home[1].test(from)) faults.push(`${from} imports ${to}`);
    }
  }
  assert.deepEqual(faults, []);
  assert.deepEqual([...seen].sort(), HOMES.map(([prefix]) => prefix).sort());
});

Deno.test("main.ts is short, and alone ends the process", async () => {
  const main = await Deno.readTextFile(`${root}main.ts`);
  assert(main.split("\n").length <= 40);
  for (const path of (await moduleGraph()).keys()) {
    const text = await Deno.readTextFile(`${root}${path}`);
    assert(path === "main.ts" || !text.includes("Deno.exit("), `${path} calls Deno.exit`);
    assert(text.split("\n").length <= 400, `${path} is longer than 400 lines`);
  }
});

Deno.test("no folder of lib/ has more than 20 files", async () => {
  const counts = new Map<string, number>();
  for (const path of (await moduleGraph()).keys()) {
    const folder = path.replace(/[^/]*$/, "");
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  assert.deepEqual([...counts].filter(([, count]) => count > 20), []);
});
