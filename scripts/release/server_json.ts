/**
 * The entry for the MCP registry: where the npm package, the bundles and the image are, and what to
 * ask for.
 *
 * @module
 */
import { ENVIRONMENT, type EnvironmentSetting } from "./settings.ts";
import { mcpbName, type Target, TARGETS } from "./targets.ts";

/** What the entry is made of. */
export interface ServerJsonInput {
  readonly version: string;
  /** `owner/name` */
  readonly repository: string;
  /** The SHA-256 of each bundle, in hex, by the name of its file. */
  readonly hashes: ReadonlyMap<string, string>;
  /** The host that serves the image; the repository's owner chooses it. Undefined: no image. */
  readonly imageHost: string | undefined;
}

const SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
const CONFIG_IN_IMAGE = "/home/nonroot/.config/mcpmqtt/config.json";

/**
 * The entry as a JSON value.
 *
 * @throws where a bundle has no hash
 */
export function serverJson(input: ServerJsonInput): object {
  const { version, repository } = input;
  return {
    $schema: SCHEMA,
    name: `io.github.${repository}`,
    title: "MQTT",
    description: "Read, watch and publish MQTT messages, within what is granted topic by topic",
    version,
    repository: { url: `https://github.com/${repository}`, source: "github" },
    packages: [
      npmPackage(version),
      ...TARGETS.map((target) => bundlePackage(target, input)),
      ...(input.imageHost === undefined ? [] : [imagePackage(input, input.imageHost)]),
    ],
  };
}

function npmPackage(version: string): object {
  return {
    registryType: "npm",
    identifier: "mcpmqtt",
    version,
    runtimeHint: "npx",
    transport: { type: "stdio" },
    environmentVariables: ENVIRONMENT.map(environmentVariable),
  };
}

function bundlePackage(target: Target, { version, repository, hashes }: ServerJsonInput): object {
  const file = mcpbName(target, version);
  const fileSha256 = hashes.get(file);
  if (fileSha256 === undefined) throw new Error(`There is no hash of ${file}`);
  return {
    registryType: "mcpb",
    identifier: `https://github.com/${repository}/releases/download/v${version}/${file}`,
    version,
    fileSha256,
    transport: { type: "stdio" },
    environmentVariables: ENVIRONMENT.map(environmentVariable),
  };
}

/** In the image the config is mounted, so its path is not asked for a second time. */
function imagePackage({ version, repository }: ServerJsonInput, host: string): object {
  return {
    registryType: "oci",
    // Image names are in lower case.
    identifier: `${host}/${repository.toLowerCase()}:${version}`,
    transport: { type: "stdio" },
    runtimeArguments: [
      { type: "named", name: "--read-only" },
      {
        type: "named",
        name: "--mount",
        value: `type=bind,src={config},dst=${CONFIG_IN_IMAGE},readonly`,
        variables: {
          config: { description: "The config file.", format: "filepath", isRequired: true },
        },
      },
    ],
    environmentVariables: ENVIRONMENT.filter(({ isFile }) => !isFile).map(environmentVariable),
  };
}

function environmentVariable(setting: EnvironmentSetting): object {
  const { env, description, isSecret, isFile, choices } = setting;
  return {
    name: env,
    description,
    ...isSecret && { isSecret },
    ...isFile && { format: "filepath" },
    ...choices && { choices },
  };
}
