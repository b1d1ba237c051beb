/**
 * The producers.
 *
 * @module
 */
import type { Producer } from "./producer.ts";

const HEALTHY_AND_LOST: Producer["runs"] = [
  { args: ["lost"], end: "killed" },
  { args: ["healthy"], end: "kept" },
];

export const PRODUCERS: readonly Producer[] = [
  {
    name: "ha_mqtt_discoverable",
    program: "ha_mqtt_discoverable.py",
    packages: ["ha-mqtt-discoverable==0.26.0", "paho-mqtt==2.2.0"],
    runs: HEALTHY_AND_LOST,
    note: "A device with most kinds of entities, one with hostile names, one that was killed.",
  },
  {
    name: "homie4",
    program: "homie4.py",
    packages: ["Homie4==0.4.0", "paho-mqtt==1.6.1"],
    runs: HEALTHY_AND_LOST,
    note: "Homie 4. One device is ready, one was killed.",
  },
  {
    name: "node_homie_4",
    program: "node_homie_4.cjs",
    packages: ["node-homie@0.9.25"],
    runs: HEALTHY_AND_LOST,
    note: "Homie 4. One device is ready, one was killed.",
  },
  {
    name: "node_homie_5",
    program: "node_homie_5.cjs",
    packages: ["node-homie@5.0.0"],
    runs: HEALTHY_AND_LOST,
    note: "Homie 5. One device with a child is ready, one was killed.",
  },
  {
    name: "sparkplug_client",
    program: "sparkplug_client.cjs",
    packages: ["sparkplug-client@3.2.4"],
    runs: HEALTHY_AND_LOST,
    note: "Sparkplug B, also compressed. One edge node is alive, one was killed.",
  },
  {
    name: "tahu",
    program: "tahu.py",
    packages: ["tahu==0.1.2", "paho-mqtt==1.6.1"],
    runs: HEALTHY_AND_LOST,
    note: "Sparkplug B; the payloads are tahu's, paho-mqtt sends them. One edge node is alive, " +
      "one was killed.",
  },
  {
    name: "zigbee2mqtt",
    program: "zigbee2mqtt.cjs",
    packages: ["zigbee2mqtt@2.14.1"],
    runs: [{ args: [], end: "kept" }],
    leftOut: [/^zigbee2mqtt\/bridge\/(?!state$|devices$|groups$|response\/)/],
    lastOnly: [/^zigbee2mqtt\/bridge\/devices$/],
    note: "The radio is faked: devices come from a database, reports as ZCL frames. Left out are " +
      "bridge/info, /definitions, /converters, /extensions, /health and /logging for their size, " +
      "and all but the last of bridge/devices.",
  },
];
