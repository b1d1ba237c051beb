/**
 * The official conformance suite, as a program: run against a server over HTTP, with what each of its
 * checks came to. It runs on Deno, which brings what the suite needs of Node 22, and with no lock, so
 * that nothing of it stands in that of the project.
 */

/** One run of the suite. */
export interface Leg {
  /** Of the npm package. */
  readonly version: string;
  /** Which scenarios, in the words of the suite's command line. */
  readonly selection: readonly string[];
  /** How many scenarios it has: that an empty run is not taken for a good one. */
  readonly scenarios: number;
  /** Whether some of them leave out the query of the URL, and with it the key. */
  readonly losesQuery?: boolean;
}

/** The stable release; the newest pre-release, for the revision before 2026-07-28 and for that. */
export const LEGS: readonly Leg[] = [
  { version: "0.1.16", selection: ["--suite", "all"], scenarios: 32 },
  { version: "0.2.0-alpha.12", selection: ["--requirements", "2025-11-25"], scenarios: 33 },
  {
    version: "0.2.0-alpha.12",
    selection: ["--requirements", "2026-07-28"],
    scenarios: 50,
    losesQuery: true,
  },
];

/** How long a download may take, in milliseconds; then the registry counts as out of reach. */
const DOWNLOAD_MS = 180_000;

/** One check of a scenario. A warning is of something that should be, a failure of what must be. */
export interface Check {
  readonly id: string;
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  readonly errorMessage?: string;
}

/** What the checks came to, by the name of their scenario. */
export type Results = ReadonlyMap<string, readonly Check[]>;

const conformance = (version: string, ...args: readonly string[]): Deno.Command =>
  new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-config", "--no-lock", "--allow-all"],
      `npm:@modelcontextprotocol/conformance@${version}`,
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });

/** Downloads what is not here yet; undefined if it is there, else why it cannot be had. */
export async function missingSuite(): Promise<string | undefined> {
  for (const version of new Set(LEGS.map((leg) => leg.version))) {
    const why = await missing(conformance(version, "list"));
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Why a program does not run that ends by itself; undefined if it does. */
export async function missing(program: Deno.Command): Promise<string | undefined> {
  const child = program.spawn();
  const late = setTimeout(() => child.kill("SIGKILL"), DOWNLOAD_MS);
  const { success, stderr } = await child.output();
  clearTimeout(late);
  return success ? undefined : textOf(stderr) || "it did not come in time";
}

/** Runs a leg. */
export async function runLeg({ version, selection }: Leg, url: URL): Promise<Results> {
  const folder = await Deno.makeTempDir({ prefix: "mcpmqtt-conformance-" });
  try {
    const args = ["server", "--url", url.href, ...selection, "--output-dir", folder];
    // Its exit status says that something failed, which is looked into here.
    const { stdout, stderr } = await conformance(version, ...args).output();
    const results = new Map<string, Check[]>();
    for await (const { name } of Deno.readDir(folder)) {
      const [, scenario] = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name) ?? [];
      if (scenario === undefined) continue;
      results.set(scenario, JSON.parse(await Deno.readTextFile(`${folder}/${name}/checks.json`)));
    }
    if (results.size === 0) throw new Error([stdout, stderr].map(textOf).join("\n"));
    return results;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
