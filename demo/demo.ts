/**
 * What `--demo` serves: a broker, a house on it, and the grants to use it.
 *
 * @module
 */

import type { Config } from "../lib/config/config.ts";
import { loadConfig, type Override } from "../lib/config/load.ts";
import { startDemoBroker } from "./broker.ts";
import { demoConfig } from "./config.ts";
import { startHouse } from "./house.ts";

/** A demo that runs until it is disposed. */
export interface Demo extends AsyncDisposable {
  readonly config: Config;
}

const SOURCE = "the built-in config of --demo";

/**
 * Starts broker and house. Of `overrides` those of the broker's address and login are left out, for
 * the demo has a broker of its own.
 *
 * @throws {ConfigError} when an override is wrong
 */
export async function startDemo(overrides: readonly Override[] = []): Promise<Demo> {
  await using stack = new AsyncDisposableStack();
  const broker = stack.use(await startDemoBroker());
  stack.use(await startHouse(broker));
  const config = await loadConfig({
    path: SOURCE,
    overrides: overrides.filter(({ key }) => key[0] !== "mqtt"),
    effects: {
      readTextFile: () => Promise.resolve(JSON.stringify(demoConfig(broker))),
      env: () => undefined,
    },
  });
  const running = stack.move();
  return { config, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
