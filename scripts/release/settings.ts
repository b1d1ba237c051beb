/**
 * What a host asks a person for before it starts the server: those settings of the program's own
 * table that the environment gives.
 *
 * @module
 */
import { type Setting, SETTINGS } from "../../lib/cli/settings.ts";

/** A setting that an environment variable gives. */
export interface EnvironmentSetting {
  /** `MCPMQTT_HOST` */
  readonly env: string;
  /** `host`: how a form calls it. */
  readonly key: string;
  /** A sentence. */
  readonly description: string;
  readonly isSecret: boolean;
  readonly isFile: boolean;
  readonly choices: readonly string[] | undefined;
}

/** Every environment variable of the program. */
export const ENVIRONMENT: readonly EnvironmentSetting[] = SETTINGS
  .filter((setting): setting is Setting & { env: string } => setting.env !== undefined)
  .map(({ env, help, choices }) => ({
    env,
    key: env.replace("MCPMQTT_", "").toLowerCase(),
    description: `${help.charAt(0).toUpperCase()}${help.slice(1)}.`,
    isSecret: env === "MCPMQTT_PASSWORD",
    isFile: env === "MCPMQTT_CONFIG",
    choices,
  }));
