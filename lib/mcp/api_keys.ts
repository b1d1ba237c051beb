/**
 * Who a client of the HTTP server is, by its API key.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import type { Config } from "../config/config.ts";
import { digest } from "../messages/digest.ts";
import { Semaphore } from "../mqtt/writing/semaphore.ts";
import type { Client, Verdict } from "./http_door.ts";

/** Wrong keys: so many are worked on or wait at a time, each for some 0.1 s. */
const MAX_WAITING = 16;

type Remote = NonNullable<Config["remoteServer"]>;
type StoredKey = NonNullable<Remote["key"]>;

/** A key and whose it is. */
export interface ClientKey {
  readonly client: Client;
  readonly key: StoredKey;
}

/**
 * Looks keys up. The Argon2id work for a right key is done once; wrong ones are worked on one at a
 * time, and more than sixteen do not wait for it.
 */
export class ApiKeys {
  readonly #keys: readonly ClientKey[];
  /** By the SHA-256 of the key. */
  readonly #known = new Map<string, Client>();
  readonly #turn = new Semaphore(1);
  #waiting = 0;

  constructor(keys: readonly ClientKey[]) {
    this.#keys = keys;
  }

  /** Says whose key it is, in a time that does not depend on how much of it is right. */
  async verify(key: string): Promise<Verdict> {
    const bytes = new TextEncoder().encode(key);
    const digested = digest(bytes);
    const known = this.#known.get(digested);
    if (known !== undefined) return { kind: "known", client: known };
    if (this.#waiting >= MAX_WAITING) return { kind: "busy" };
    this.#waiting++;
    const release = await this.#turn.acquire(new AbortController().signal);
    try {
      const client = await this.#find(bytes);
      if (client === undefined) return { kind: "wrong" };
      this.#known.set(digested, client);
      return { kind: "known", client };
    } finally {
      release();
      this.#waiting--;
    }
  }

  async #find(key: Uint8Array): Promise<Client | undefined> {
    let found: Client | undefined;
    for (const { client, key: stored } of this.#keys) {
      const [is, shouldBe] = stored.kind === "plain"
        ? [digest(key), digest(stored.apiKey)].map((one) => Uint8Array.fromBase64(one))
        : [await argon2id(key, stored), Uint8Array.fromBase64(stored.hash)];
      // All are compared, whichever it is.
      if (is.length === shouldBe.length && timingSafeEqual(is, shouldBe)) found ??= client;
    }
    return found;
  }
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
