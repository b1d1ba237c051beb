/**
 * The conventions that are looked for.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { Convention } from "./device.ts";
import { homeAssistant } from "./home_assistant.ts";
import { homie } from "./homie.ts";
import { shelly } from "./shelly.ts";
import { sparkplug } from "./sparkplug.ts";
import { tasmota } from "./tasmota.ts";
import { zigbee2mqtt } from "./zigbee2mqtt.ts";

/** One convention for each prefix of the config. */
export function conventionsOf(prefixes: Config["devices"]): Convention[] {
  return [
    ...prefixes.homeassistant.map((prefix) => homeAssistant(prefix)),
    ...prefixes.zigbee2mqtt.map((prefix) => zigbee2mqtt(prefix)),
    ...prefixes.tasmota.map((prefix) => tasmota(prefix)),
    ...prefixes.homie.map((prefix) => homie(prefix)),
    ...prefixes.sparkplug.map((prefix) => sparkplug(prefix)),
    ...prefixes.shelly.map((prefix) => shelly(prefix)),
  ];
}
