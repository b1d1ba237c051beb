/**
 * Who a client of the HTTP server is, by its API key.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Config } from "../config/config.ts";
import { Semaphore } from "../mqtt/writing/semaphore.ts";

/** Wrong keys: so many are worked on or wait at a time, each for some 0.1 s. */
const MAX_WAITING = 16;
/** So many right keys are known by their digest. */
const MAX_KNOWN = 100;

type Remote = NonNullable<Config["remoteServer"]>;
type StoredKey = NonNullable<Remote["key"]>;

/** A key and whose it is. */
export interface NamedKey {
  readonly name: string;
  readonly key: StoredKey;
}

/** What a key is worth. */
export type Verdict =
  | { readonly kind: "known"; readonly name: string }
  | { readonly kind: "wrong" }
  /** Too many wrong keys are being looked at. */
  | { readonly kind: "busy" };

/**
 * Looks keys up. The Argon2id work for a right key is done once; wrong ones are worked on one at a
 * time, and more than sixteen do not wait for it.
 */
export class ApiKeys {
  readonly #keys: readonly NamedKey[];
  /** By the SHA-256 of the key. */
  readonly #known = new Map<string, string>();
  readonly #turn = new Semaphore(1);
  #waiting = 0;

  constructor(keys: readonly NamedKey[]) {
    this.#keys = keys;
  }

  /** Says whose key it is, in a time that does not depend on how much of it is right. */
  async verify(key: string): Promise<Verdict> {
    const bytes = new TextEncoder().encode(key);
    const digest = digestOf(bytes).toHex();
    const name = this.#known.get(digest);
    if (name !== undefined) return { kind: "known", name };
    if (this.#waiting >= MAX_WAITING) return { kind: "busy" };
    this.#waiting++;
    const release = await this.#turn.acquire(new AbortController().signal);
    try {
      const found = await this.#find(bytes);
      if (found === undefined) return { kind: "wrong" };
      if (this.#known.size < MAX_KNOWN) this.#known.set(digest, found);
      return { kind: "known", name: found };
    } finally {
      release();
      this.#waiting--;
    }
  }

  async #find(key: Uint8Array): Promise<string | undefined> {
    let found: string | undefined;
    for (const { name, key: stored } of this.#keys) {
      const [is, shouldBe] = stored.kind === "plain"
        ? [digestOf(key), digestOf(new TextEncoder().encode(stored.apiKey))]
        : [await argon2id(key, stored), Uint8Array.fromBase64(stored.hash)];
      // All are compared, whichever it is.
      if (is.length === shouldBe.length && timingSafeEqual(is, shouldBe)) found ??= name;
    }
    return found;
  }
}

/** SHA-256 in this thread: by Web Crypto it takes ten times as long, in another one. */
function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** What an Argon2id hash is made with (RFC 9106). */
export interface Argon2id {
  /** Base64. */
  readonly salt: string;
  readonly timeCost: number;
  readonly memoryCostKib: number;
  readonly parallelism: number;
  readonly hashBytes: number;
}

/** The Argon2id hash of a key, by Web Crypto. */
export async function argon2id(key: Uint8Array, how: Argon2id): Promise<Uint8Array> {
  // TypeScript's own types do not know of it yet.
  const subtle = crypto.subtle as unknown as {
    importKey(...args: readonly unknown[]): Promise<CryptoKey>;
    deriveBits(...args: readonly unknown[]): Promise<ArrayBuffer>;
  };
  const secret = await subtle.importKey("raw-secret", key, "Argon2id", false, ["deriveBits"]);
  const bits = await subtle.deriveBits(
    {
      name: "Argon2id",
      nonce: Uint8Array.fromBase64(how.salt),
      memory: how.memoryCostKib,
      passes: how.timeCost,
      parallelism: how.parallelism,
    },
    secret,
    how.hashBytes * 8,
  );
  return new Uint8Array(bits);
}
