/**
 * The way to the demo. In a bundle `scripts/release/bundle.ts` puts a module with the same export in
 * the place of this one.
 *
 * @module
 */

/** A specifier that is not a literal is followed only when it is asked for: with it comes aedes. */
const DEMO = new URL("../../demo/demo.ts", import.meta.url).href;

/** Loads the demo, and downloads what only the demo needs. */
export async function loadDemo(): Promise<typeof import("../../demo/demo.ts")> {
  return await import(DEMO);
}
