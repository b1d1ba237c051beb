/**
 * Which version this is. In a bundle `scripts/release/bundle.ts` puts a module with the same exports
 * in the place of this one.
 *
 * @module
 */
import manifest from "../deno.json" with { type: "json" };

/** As in `deno.json`. */
export const VERSION: string = manifest.version;

/**
 * The commit it was built from, with `-dirty` at its end where the tree differed; undefined in runs
 * from source.
 */
export const COMMIT: string | undefined = undefined;
