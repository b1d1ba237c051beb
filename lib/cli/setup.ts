/**
 * From an invocation to what the commands work with.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import { loadConfig, systemEffects } from "../config/load.ts";
import type { BrokerSettings } from "../mqtt/link/link_opener.ts";
import type { Grants } from "../access/access.ts";
import { Rates } from "../access/rates.ts";
import { Permissions } from "../topics/permissions.ts";
import { loadDemo } from "./load_demo.ts";
import { configRequest, type Options } from "./options.ts";

/** Of the mode of a file, for its group and everybody. */
const OTHERS_MAY_READ = 0o044;
/** Bytes of randomness in a fresh Client Identifier. */
const CLIENT_ID_BYTES = 6;

/** Loads the config that the options and the environment ask for. */
export async function configFor(options: Options): Promise<Config> {
  const config = await loadConfig(configRequest(options, systemEffects.env));
  const { source, plainSecrets, warnings } = config;
  // Of stdin Deno tells nothing by its path.
  const isFile = source !== undefined && source !== "/dev/stdin";
  if (!isFile || plainSecrets.length === 0) return config;
  const { mode } = await Deno.stat(source);
  // On Windows there is none.
  if (mode === null || (mode & OTHERS_MAY_READ) === 0) return config;
  const message = `others can read this file, and with it ${
    plainSecrets.join(", ")
  }; chmod 600 it, or keep the secret elsewhere by "\${file:PATH}"`;
  return { ...config, warnings: [...warnings, { file: source, path: "", message }] };
}

/** Gives `use` the config: that of the demo, which runs meanwhile, or the one that was asked for. */
export async function withConfig<T>(
  options: Options,
  use: (config: Config) => Promise<T>,
): Promise<T> {
  if (!options.demo) return await use(await configFor(options));
  const { startDemo } = await loadDemo();
  await using demo = await startDemo(configRequest(options, systemEffects.env).overrides);
  return await use(demo.config);
}

/** How to reach the broker. */
export function brokerSettings({ mqtt, rules, readOnly, limits }: Config): BrokerSettings {
  const { protocolVersion, connectTimeoutMs } = mqtt;
  return {
    address: mqtt,
    clientId: mqtt.clientId ?? freshClientId(),
    isClientIdChosen: mqtt.clientId !== undefined,
    mayWrite: !readOnly && rules.some(({ permissions }) => permissions.includes("write")),
    protocolVersion,
    connectTimeoutMs,
    maxMessageBytes: limits.maxMessageBytes,
    responsePrefix: mqtt.responsePrefix,
  };
}

/** What a client may do. Those who share it share its rates. */
export function grantsOf({ rules, readOnly, limits, devices }: Config): Grants {
  const rates = new Rates(limits.publishPerMinute);
  return { permissions: new Permissions(rules), readOnly, limits, rates, devices };
}

/**
 * Letters and digits only, and 20 bytes: what every broker must take [MQTT-3.1.3-5].
 */
function freshClientId(): string {
  return `mcpmqtt-${crypto.getRandomValues(new Uint8Array(CLIENT_ID_BYTES)).toHex()}`;
}
