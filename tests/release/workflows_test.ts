import assert from "node:assert/strict";
import { ROOT } from "../../scripts/release/project.ts";
import { executableName, TARGETS } from "../../scripts/release/targets.ts";

const FOLDER = `${ROOT}.github/workflows/`;

async function workflows(): Promise<ReadonlyMap<string, string>> {
  const entries = await Array.fromAsync(Deno.readDir(FOLDER));
  const names = entries.map(({ name }) => name).sort();
  const texts = names.map(async (name) =>
    [name, await Deno.readTextFile(`${FOLDER}${name}`)] as const
  );
  return new Map(await Promise.all(texts));
}

/** The jobs of a workflow by name, as text. */
function jobs(text: string): ReadonlyMap<string, string> {
  const [, all = ""] = text.split(/^jobs:\n/m);
  const parts = all.split(/^ {2}(\w+):\n/m).slice(1);
  return new Map(
    parts.flatMap((name, at) => at % 2 === 0 ? [[name, parts[at + 1] ?? ""] as const] : []),
  );
}

Deno.test("every action of the workflows is pinned by its commit, with the version beside it", async () => {
  const pins = new Map<string, Set<string>>();
  for (const [name, text] of await workflows()) {
    for (const [, used = ""] of text.matchAll(/uses: (.*)$/gm)) {
      assert.match(used, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${name}: ${used}`);
      const [action = "", pin = ""] = used.split("@");
      pins.set(action, (pins.get(action) ?? new Set()).add(pin));
    }
  }
  for (const [action, used] of pins) assert.equal(used.size, 1, `${action} has ${used.size} pins`);
});

/** What a job may do beyond reading the contents, and why it has to. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  "release.yml publish": ["contents", "id-token", "attestations"],
  "release.yml npm": ["id-token"],
  "release.yml image": ["packages", "id-token", "attestations"],
  "release.yml registry": ["id-token"],
};

/** The secrets that a job is given beyond the token of the workflow. */
const SECRETS: Readonly<Record<string, readonly string[]>> = { "release.yml npm": ["NPM_TOKEN"] };

Deno.test("the workflows grant nothing, and each job what it needs", async () => {
  for (const [file, text] of await workflows()) {
    assert.match(text, /^permissions: \{\}$/m, file);
    assert.doesNotMatch(text, /pull_request_target|write-all/, file);
    for (const [job, body] of jobs(text)) {
      const [, block = ""] = /^ {4}permissions:\n((?: {6}.*\n)+)/m.exec(body) ?? [];
      assert.notEqual(block, "", `${file}: ${job} has no permissions`);
      const writes = [...block.matchAll(/^ {6}([\w-]+): write$/gm)].map(([, name]) => name);
      assert.deepEqual(writes, WRITES[`${file} ${job}`] ?? [], `${file}: ${job}`);
      assert.match(body, /^ {4}timeout-minutes: \d+$/m, `${file}: ${job}`);
      const secrets = [...body.matchAll(/secrets\.(\w+)/g)].map(([, name]) => name);
      assert.deepEqual(secrets, SECRETS[`${file} ${job}`] ?? [], `${file}: ${job}`);
    }
  }
});

Deno.test("the workflows leave no credentials in the checkout, and use the pinned Deno", async () => {
  const ci = await Deno.readTextFile(`${ROOT}.ci/run`);
  const [, pinned] = /DENO_VERSION=([\d.]+)/.exec(ci) ?? [];
  for (const [file, text] of await workflows()) {
    const checkouts = text.match(/actions\/checkout@/g) ?? [];
    assert.equal(text.match(/persist-credentials: false/g)?.length, checkouts.length, file);
    for (const [, version] of text.matchAll(/deno-version: v(.*)$/gm)) {
      assert.equal(version, pinned, file);
    }
  }
});

Deno.test("every deno task of the workflows exists", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  for (const [file, text] of await workflows()) {
    for (const [, task = ""] of text.matchAll(/deno task (\w+)/g)) {
      assert(task in tasks, `${file}: there is no task ${task}`);
    }
  }
});

Deno.test("the release tries every executable on its own system before it publishes", async () => {
  const release = jobs((await workflows()).get("release.yml") ?? "");
  const tried = [...(release.get("smoke") ?? "").matchAll(/program: (\S+)/g)].map(([, name]) =>
    name
  );
  assert.deepEqual(tried, TARGETS.map(executableName));
  assert.match(release.get("publish") ?? "", /needs: smoke$/m);
  assert.match(release.get("image") ?? "", /needs: smoke$/m);
});

Deno.test("the npm package is tried on each system, published with provenance, and then registered", async () => {
  const all = await workflows();
  const program = jobs(all.get("ci.yml") ?? "").get("program") ?? "";
  assert.match(program, /os: windows-/);
  assert.match(program, /deno task npm\n.*deno task smoke dist\/npm\/\*\.tgz$/ms);
  assert.match(program, /npx -y \.\/dist\/npm\/\*\.tgz --version$/m);
  const release = jobs(all.get("release.yml") ?? "");
  assert.match(release.get("smoke") ?? "", /deno task smoke dist\/release\/\*\.tgz$/m);
  const npm = release.get("npm") ?? "";
  assert.match(npm, /needs: smoke$/m);
  assert.match(npm, /npm publish --provenance --access public \.\/dist\/release\/\*\.tgz$/m);
  assert.match(release.get("registry") ?? "", /needs: \[publish, npm, image\]$/m);
});
