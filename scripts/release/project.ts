/**
 * What the release scripts know of the project: where it is, its manifest, its commit; and how they
 * run other programs.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { PermissionSet } from "./deno_args.ts";

/** The checkout, with a slash at its end. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Where everything that is made goes; not under version control. */
export const DIST: string = `${ROOT}dist/`;

/** The part of `deno.json` that a release needs. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly imports: Readonly<Record<string, string>>;
  readonly permissions: Readonly<Record<"default", PermissionSet>>;
}

/** Reads `deno.json`. */
export async function readManifest(): Promise<Manifest> {
  return JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
}

/** One package of `deno.lock`. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-…`, base64. */
  readonly integrity: string;
}

/** The npm packages of `deno.lock`. */
export async function readLock(): Promise<readonly LockedPackage[]> {
  const { npm }: { npm: Readonly<Record<string, { integrity: string }>> } = JSON.parse(
    await Deno.readTextFile(`${ROOT}deno.lock`),
  );
  return Object.entries(npm).map(([key, { integrity }]) => {
    // What follows the version names the peers: @modelcontextprotocol/sdk@1.32.2_zod@4.6.7
    const [, name = "", version = ""] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
    return { name, version, integrity };
  });
}

/**
 * The commit that is checked out, 12 digits, with `-dirty` where the tree differs from it;
 * undefined outside of a git checkout.
 */
export async function readCommit(): Promise<string | undefined> {
  try {
    const args = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
    const { success, stdout } = await new Deno.Command("git", { args, cwd: ROOT }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** How {@linkcode runProgram} runs it. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** True leaves its output out, unless it fails. */
  readonly quiet?: boolean;
}

/**
 * Runs a program to its end.
 *
 * @throws naming the program and, where it was quiet, what it printed, when it fails
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd = ROOT, env = {}, quiet = false }: RunOptions = {},
): Promise<void> {
  const output = quiet ? "piped" : "inherit";
  const child = new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: output,
    stderr: output,
  }).spawn();
  const [stdout, stderr, { code }] = await Promise.all([
    quiet ? new Response(child.stdout).text() : "",
    quiet ? new Response(child.stderr).text() : "",
    child.status,
  ]);
  if (code === 0) return;
  throw new Error(`${command} ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`.trimEnd());
}

/** `npx`, which on Windows is a script with a name of its own. */
export const NPX: string = Deno.build.os === "windows" ? "npx.cmd" : "npx";

/** Runs npm, without its output unless it fails. */
export async function runNpm(args: readonly string[], options: RunOptions = {}): Promise<void> {
  const [command = "", ...first] = Deno.build.os === "windows" ? ["cmd", "/c", "npm"] : ["npm"];
  await runProgram(command, [...first, ...args], { quiet: true, ...options });
}

/** Where it is released, when nothing says so: a name that shows what is missing. */
const NO_REPOSITORY = "OWNER/mcpmqtt";

/** `owner/name`, from the environment. */
export function repositoryName(): string {
  return Deno.env.get("GITHUB_REPOSITORY") || NO_REPOSITORY;
}

/** The SHA-256 of a file, in lower-case hex. */
export async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

/** Writes JSON as `deno fmt` leaves it alone: two spaces, a newline at the end. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Makes a folder anew, with nothing in it. */
export async function freshFolder(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch((cause) => {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  });
  await Deno.mkdir(folder, { recursive: true });
}

/** Copies files into a folder, whose path has a slash at its end. */
export async function copyInto(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await Deno.copyFile(path, `${folder}${path.slice(path.lastIndexOf("/") + 1)}`);
  }
}
