/**
 * The manifest of an MCP bundle (MCPB 0.3): one file that a desktop host installs by a double click.
 *
 * @module
 */
import { offeredTools } from "../../lib/tools/catalogue.ts";
import { ENVIRONMENT, type EnvironmentSetting } from "./settings.ts";
import type { Target } from "./targets.ts";

/** What differs between manifests. */
export interface McpbInput {
  readonly version: string;
  /** `owner/name` */
  readonly repository: string;
  readonly target: Target;
}

/** The executable inside of the bundle. */
export function mcpbExecutable({ platform }: Target): string {
  return `server/mcpmqtt${platform === "win32" ? ".exe" : ""}`;
}

/**
 * The manifest as a JSON value.
 *
 * Everything goes through the environment: there a setting that is left empty counts as not set,
 * and a password is in no list of processes. The defaults are empty strings because a host leaves
 * the placeholder of a setting that has no value as it stands; hence too the port is a string.
 */
export function mcpbManifest({ version, repository, target }: McpbInput): object {
  const url = `https://github.com/${repository}`;
  const shown = ENVIRONMENT.filter(({ env }) => env !== "MCPMQTT_LOG_LEVEL");
  return {
    manifest_version: "0.3",
    name: "mcpmqtt",
    display_name: "MQTT",
    version,
    description: "Read, watch and publish MQTT messages, within what you grant topic by topic",
    long_description:
      "Gives an agent an MQTT broker (sensors, actuators, devices), and only the part of it that you " +
      "grant. Without a config file nothing is granted; `mcpmqtt init` writes one to start from.",
    author: { name: "The mcpmqtt authors", url },
    repository: { type: "git", url: `${url}.git` },
    homepage: url,
    documentation: `${url}#readme`,
    support: `${url}/issues`,
    license: "MIT",
    keywords: ["mqtt", "iot", "smart home", "sensors"],
    server: {
      type: "binary",
      entry_point: mcpbExecutable(target),
      mcp_config: {
        command: `\${__dirname}/${mcpbExecutable(target)}`,
        args: [],
        env: Object.fromEntries(shown.map(({ env, key }) => [env, `\${user_config.${key}}`])),
      },
    },
    tools: offeredTools({ readOnly: false }).map(({ name, title }) => ({
      name,
      description: title,
    })),
    prompts_generated: true,
    compatibility: { platforms: [target.platform] },
    user_config: Object.fromEntries(shown.map((setting) => [setting.key, userConfig(setting)])),
  };
}

function userConfig({ key, description, isSecret, isFile }: EnvironmentSetting): object {
  const titles: Readonly<Record<string, string>> = { config: "Config file", username: "User name" };
  const otherwise = isFile ? "" : " Empty: as the config file has it.";
  return {
    type: isFile ? "file" : "string",
    title: titles[key] ?? `${key.charAt(0).toUpperCase()}${key.slice(1)}`,
    description: `${description}${otherwise}`,
    required: false,
    default: "",
    ...isSecret && { sensitive: true },
  };
}
