/**
 * The dialog of `mcpmqtt init` with a person at a terminal and a real broker.
 *
 * @module
 */
import { loadConfig, systemEffects } from "../../config/load.ts";
import { readFailure } from "../../config/read_text.ts";
import { foldersOf, resolvePath } from "../../config/references.ts";
import { Connection } from "../../mqtt/connection.ts";
import { Access } from "../../access/access.ts";
import { Devices } from "../../access/devices.ts";
import { McpMqttError } from "../../errors.ts";
import { Survey } from "../../messages/survey.ts";
import { brokerSettings, grantsOf } from "../setup.ts";
import type { Dialog, Seen } from "./init_dialog.ts";
import { quietLogger } from "../quiet_logger.ts";

/** How long the broker is listened to, in milliseconds. */
const SURVEY_MS = 3_000;

/** Undefined where nobody is there to be asked. */
export function terminalDialog(configPath: string): Dialog | undefined {
  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return undefined;
  const encoder = new TextEncoder();
  return {
    ask: (question) => prompt(question) ?? undefined,
    say: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
    look: (path) => lookAt(path, configPath),
    survey: (text) => surveyBroker(text, configPath),
  };
}

/** Where a path of the config at `configPath` leads, and why there is nothing to be read, if so. */
export async function lookAt(
  path: string,
  configPath: string,
): Promise<{ place: string; fault?: string }> {
  const place = resolvePath(path, foldersOf(configPath, systemEffects));
  try {
    await systemEffects.readTextFile(place);
    return { place };
  } catch (cause) {
    return { place, fault: readFailure(cause) };
  }
}

/** The topic names and devices that show up within a few seconds. */
export async function surveyBroker(text: string, configPath: string): Promise<Seen> {
  const readTextFile = (path: string): Promise<string> =>
    path === configPath ? Promise.resolve(text) : systemEffects.readTextFile(path);
  const config = await loadConfig({
    path: configPath,
    effects: { ...systemEffects, readTextFile },
  });
  await using connection = new Connection(brokerSettings(config), quietLogger);
  await using access = new Access(connection, grantsOf(config));
  await using devices = new Devices(access);
  const survey = new Survey();
  const { signal } = new AbortController();
  await using _collection = await access.collect(["#"], {
    includeRetained: true,
    resume: true,
    waitMs: config.mqtt.connectTimeoutMs,
    signal,
    onMessage: (message) => survey.add(message),
  });
  const described = devices.known(signal).catch((error) => {
    if (error instanceof McpMqttError) return undefined;
    throw error;
  });
  await new Promise((resolve) => setTimeout(resolve, SURVEY_MS));
  const known = await described;
  return {
    names: [...survey.topics()].map(({ topic }) => topic),
    devices: (known?.devices ?? []).map((device) => ({
      name: `${device.name} (${device.sources.join(", ")})`,
      ...known?.directory.needs(device) ?? { describedOn: [], reads: [], writes: [] },
    })),
  };
}
