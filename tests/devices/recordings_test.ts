import assert from "node:assert/strict";
import {
  type ProducedMessage,
  readRecording,
  recording,
  recordingNames,
  retainedOf,
} from "./recordings.ts";

const MAX_BYTES = 100_000;
const FOLDER = new URL("recordings/", import.meta.url);

/** What a recording holds that is worth something, and how much of it there has to be. */
interface Claim {
  readonly what: string;
  readonly least: number;
  readonly matches: (message: ProducedMessage) => boolean;
}

const topic = (pattern: RegExp) => (message: ProducedMessage): boolean =>
  pattern.test(message.topic);
const retained = (pattern: RegExp, text?: string) => (message: ProducedMessage): boolean =>
  message.retained && pattern.test(message.topic) && (text ?? message.text) === message.text;

const HOMIE_4: readonly Claim[] = [
  { what: "devices", least: 2, matches: retained(/^homie\/[^/]+\/\$homie$/, "4.0.0") },
  { what: "ready devices", least: 1, matches: retained(/\/\$state$/, "ready") },
  { what: "lost devices", least: 1, matches: retained(/\/\$state$/, "lost") },
  { what: "properties", least: 5, matches: retained(/\/\$datatype$/) },
  { what: "units", least: 3, matches: retained(/\/\$unit$/) },
  { what: "enums", least: 1, matches: retained(/\/\$datatype$/, "enum") },
  { what: "settable properties", least: 3, matches: retained(/\/\$settable$/, "true") },
  { what: "values", least: 5, matches: retained(/^homie\/[^/$]+\/[^/$]+\/[^/$]+$/) },
];

const SPARKPLUG: readonly Claim[] = ["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH"].map((
  kind,
) => ({
  what: kind,
  least: 1,
  matches: topic(new RegExp(`^spBv1\\.0/[^/]+/${kind}/`)),
}));

const CLAIMS: Readonly<Record<string, readonly Claim[]>> = {
  ha_mqtt_discoverable: [
    {
      what: "descriptions",
      least: 10,
      matches: (message) =>
        retained(/^homeassistant\/.*\/config$/)(message) && "device" in JSON.parse(message.text),
    },
    {
      what: "areas",
      least: 10,
      matches: (message) =>
        message.topic.endsWith("/config") &&
        JSON.parse(message.text).device.suggested_area !== undefined,
    },
    { what: "states", least: 5, matches: topic(/^hmd\/.*\/state$/) },
    { what: "offline", least: 1, matches: retained(/\/availability$/, "offline") },
  ],
  homie4: HOMIE_4,
  node_homie_4: HOMIE_4,
  node_homie_5: [
    {
      what: "descriptions",
      least: 3,
      matches: (message) =>
        retained(/^homie\/5\/[^/]+\/\$description$/)(message) &&
        Object.keys(JSON.parse(message.text).nodes).length > 0,
    },
    { what: "ready devices", least: 2, matches: retained(/\/\$state$/, "ready") },
    { what: "lost devices", least: 1, matches: retained(/\/\$state$/, "lost") },
    { what: "values", least: 8, matches: retained(/^homie\/5\/[^/$]+\/[^/$]+\/[^/$]+$/) },
  ],
  sparkplug_client: [
    ...SPARKPLUG,
    { what: "DDEATH", least: 1, matches: topic(/^spBv1\.0\/[^/]+\/DDEATH\//) },
    {
      what: "compressed payloads",
      least: 2,
      matches: ({ text }) => text.includes("SPBV1.0_COMPRESSED"),
    },
  ],
  tahu: SPARKPLUG,
  zigbee2mqtt: [
    {
      what: "lists of devices with definitions",
      least: 1,
      matches: (message) => {
        if (!retained(/^zigbee2mqtt\/bridge\/devices$/)(message)) return false;
        const devices: { definition?: { exposes: unknown[] } }[] = JSON.parse(message.text);
        return devices.filter(({ definition }) => definition?.exposes.length).length === 4;
      },
    },
    {
      what: "lists of groups with a group",
      least: 1,
      matches: (message) =>
        retained(/^zigbee2mqtt\/bridge\/groups$/)(message) &&
        JSON.parse(message.text)[0].members.length > 0,
    },
    {
      what: "bridge that is online",
      least: 1,
      matches: retained(/^zigbee2mqtt\/bridge\/state$/, '{"state":"online"}'),
    },
    {
      what: "devices that are online",
      least: 3,
      matches: retained(/\/availability$/, '{"state":"online"}'),
    },
    {
      what: "devices that are offline",
      least: 1,
      matches: retained(/\/availability$/, '{"state":"offline"}'),
    },
    ...["bedroom/lamp", "Büro", "kitchen plug", "attic blind", "all lights"].map((name) => ({
      what: `state of ${name}`,
      least: 1,
      matches: topic(new RegExp(`^zigbee2mqtt/${name}$`)),
    })),
    { what: "discovery", least: 20, matches: retained(/^homeassistant\/.*\/config$/) },
    {
      what: "discovery of what is dangerous",
      least: 1,
      matches: ({ text }) => text.includes('"command_topic":"zigbee2mqtt/bridge/request/restart"'),
    },
  ],
};

Deno.test("every recording is known here, and none is missing", async () => {
  assert.deepEqual(await recordingNames(), Object.keys(CLAIMS).sort());
});

for (const [name, claims] of Object.entries(CLAIMS)) {
  Deno.test(`${name}.json says how it was made, is small, and has what its convention has`, async () => {
    const { made } = await readRecording(name);
    assert.match(made, /^Recorded by `deno task producers`, .* (npm|PyPI) at mosquitto \d/);
    const { size } = await Deno.stat(new URL(`${name}.json`, FOLDER));
    assert(size < MAX_BYTES, `it has ${size} bytes`);
    const messages = await recording(name);
    for (const { what, least, matches } of claims) {
      const { length } = messages.filter(matches);
      assert(length >= least, `it has ${length} ${what} and not ${least}`);
    }
  });

  Deno.test(`${name}.json has each retained topic once, as its last message`, async () => {
    const messages = await recording(name);
    const kept = await retainedOf(name);
    assert.equal(new Set(kept.map(({ topic }) => topic)).size, kept.length);
    for (const message of kept) {
      assert(message.retain && message.payload.length > 0, message.topic);
      const last = messages.findLast(({ topic, retain }) => retain && topic === message.topic);
      assert.deepEqual(last, message);
    }
  });

  Deno.test(`${name}.json holds nothing of the machine that it was made on`, async () => {
    for (const { topic, text } of await recording(name)) {
      assert.doesNotMatch(text, /\/(tmp|home|root|work|Users)\//, topic);
    }
  });
}

Deno.test("recording() gives bytes, whichever way they are written down", async () => {
  const [birth] = await recording("tahu");
  assert.equal(birth?.topic, "spBv1.0/Plant/NBIRTH/Line 2");
  // Field 1, the time stamp, as a varint.
  assert.equal(birth?.payload[0], 0x08);
  const unit = (await recording("homie4")).find(({ topic }) => topic.endsWith("/$unit"));
  assert.equal(unit?.text, "°F");
  assert.deepEqual(unit?.payload, new TextEncoder().encode("°F"));
});
