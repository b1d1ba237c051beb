/**
 * `mcpmqtt genkey [NAME]`: makes an API key, and stores its hash in the config.
 *
 * @module
 */
import { applyEdits, modify } from "jsonc-parser";
import type { Config } from "../../config/config.ts";
import { MAIN_CLIENT } from "../../config/remote_server_schema.ts";
import { configFor } from "../setup.ts";
import { DONE } from "../exit_status.ts";
import type { Io } from "../io.ts";
import { argon2id } from "../../mcp/api_keys.ts";
import { type Invocation, UsageError } from "../options.ts";

/** Bytes of randomness in a key and in a salt. */
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** As the original has it. */
const COST = { timeCost: 3, memoryCostKib: 65_536, parallelism: 1, hashBytes: 32 };

/** Changes the config in place, keeping comments and order, and prints the key once. */
export async function runGenkey(
  { options, name }: Extract<Invocation, { command: "genkey" }>,
  io: Io,
): Promise<number> {
  const { source, remoteServer } = await configFor(options);
  if (source === undefined) {
    throw new UsageError("genkey needs a config to store the hash in; make one with: mcpmqtt init");
  }
  assertFree(name, remoteServer);
  const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
  const key = random(KEY_BYTES).toBase64({ alphabet: "base64url", omitPadding: true });
  const salt = random(SALT_BYTES).toBase64();
  const hash = await argon2id(new TextEncoder().encode(key), { ...COST, salt });
  const kdf = {
    algorithm: "argon2id",
    salt,
    time_cost: COST.timeCost,
    memory_cost: COST.memoryCostKib,
    parallelism: COST.parallelism,
    hash_len: COST.hashBytes,
    hash: hash.toBase64(),
  };
  const text = await Deno.readTextFile(source);
  const [path, value] = changeOf(name, kdf, remoteServer);
  const edits = modify(text, path, value, {
    formattingOptions: { insertSpaces: !/^\t/m.test(text), tabSize: 2 },
    isArrayInsertion: path.at(-1) === -1,
  });
  await replaceFile(source, applyEdits(text, edits));
  io.stdout(`${key}\n`);
  io.stderr(
    `This is the key${name === undefined ? "" : ` of ${name}`}. It is shown this once: ` +
      `${source} has its hash alone. A server that runs takes it after a restart.\n`,
  );
  return DONE;
}

/** Refuses what would give two clients one name: the config could not be loaded any more. */
function assertFree(name: string | undefined, remote: Config["remoteServer"]): void {
  if (name === "") throw new UsageError("genkey needs a name of at least one character, or none");
  if (name === MAIN_CLIENT && remote?.key !== undefined) {
    throw new UsageError(
      `"${MAIN_CLIENT}" is the client of the key without a name; take another name, ` +
        "or make that key anew with: mcpmqtt genkey",
    );
  }
  if (name === undefined && remote?.keys.some((key) => key.name === MAIN_CLIENT)) {
    throw new UsageError(
      `the key without a name is that of the client "${MAIN_CLIENT}", and one of ` +
        `remote_server.keys has that name; rename that one, or make it anew with: mcpmqtt genkey ${MAIN_CLIENT}`,
    );
  }
}

/** Where the config is changed, and what stands there then; -1: at the end of a list. */
function changeOf(
  name: string | undefined,
  kdf: object,
  remote: Config["remoteServer"],
): readonly [path: (string | number)[], value: unknown] {
  const named = { name, api_key_kdf: kdf };
  if (remote === undefined) {
    return [["remote_server"], name === undefined ? { api_key_kdf: kdf } : { keys: [named] }];
  }
  if (name === undefined) return [["remote_server", "api_key_kdf"], kdf];
  const at = remote.keys.findIndex((one) => one.name === name);
  const path = ["remote_server", "keys", at];
  return at === -1 ? [path, named] : [[...path, "api_key_kdf"], kdf];
}

/** Whole or not at all, and with the mode that the file has. */
async function replaceFile(path: string, text: string): Promise<void> {
  const target = await Deno.realPath(path);
  const { mode } = await Deno.stat(target);
  const next = `${target}.new`;
  await Deno.writeTextFile(next, text, {
    createNew: true,
    mode: mode === null ? 0o600 : mode & 0o777,
  });
  await Deno.rename(next, target);
}
