import assert from "node:assert/strict";
import type { Description, Entity } from "../../lib/devices/device.ts";
import { sparkplug } from "../../lib/devices/sparkplug.ts";
import type { Json } from "../../lib/messages/json.ts";
import type { Message } from "../../lib/messages/message.ts";
import { placesOf } from "../../lib/messages/payload.ts";
import { parsePointer } from "../../lib/messages/pointer.ts";
import { SparkplugBirths } from "../../lib/messages/sparkplug_births.ts";
import { encodeSparkplug } from "../../lib/messages/sparkplug_encode.ts";
import { intersect, parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { recording } from "./recordings.ts";
import { level, live, type Metrics, REBIRTH } from "./sparkplug_messages.ts";
import { devicesOf, entitiesOf, RECEIVED_AT, take } from "./taking.ts";

/** The messages of a recording, with what is known of their aliases; each a second after the other. */
async function heard(name: string): Promise<Message[]> {
  const births = new SparkplugBirths();
  return (await recording(name)).map(({ topic, payload }, i) =>
    births.received({
      topic,
      payload,
      qos: 0,
      retain: false,
      receivedAt: RECEIVED_AT + 1_000 * i,
    })
  );
}

async function recorded(name: string): Promise<Record<string, Description>> {
  const convention = sparkplug("spBv1.0");
  assert.equal(take(convention, ...await heard(name)), 0);
  return devicesOf(convention);
}

/** The entity of a metric that a device has. */
function entityOf(metric: { readonly [key: string]: Json }): Entity | undefined {
  const convention = sparkplug("spBv1.0");
  take(convention, live("g/DBIRTH/n/d", [{ name: "One", ...metric }]));
  const [entity] = devicesOf(convention)["g/n/d"]?.entities ?? [];
  return entity;
}

Deno.test("sparkplug() asks for births, data and deaths, and no two of its filters overlap", () => {
  const { filters, source, isCumulative } = sparkplug("spBv1.0");
  assert.equal(source, "sparkplug");
  assert.equal(isCumulative, true);
  assert.deepEqual(filters, [
    "spBv1.0/+/NBIRTH/+",
    "spBv1.0/+/DBIRTH/+/+",
    "spBv1.0/+/NDATA/+",
    "spBv1.0/+/DDATA/+/+",
    "spBv1.0/+/NDEATH/+",
    "spBv1.0/+/DDEATH/+/+",
    "$sparkplug/certificates/spBv1.0/+/NBIRTH/+",
    "$sparkplug/certificates/spBv1.0/+/DBIRTH/+/+",
  ]);
  const parsed = filters.map(parseTopicFilter);
  for (const [i, a] of parsed.entries()) {
    for (const b of parsed.slice(i + 1)) {
      assert(intersect(a, b) === undefined, `${a.text} and ${b.text}`);
    }
  }
});

Deno.test("sparkplug() tells of the nodes and devices of sparkplug-client (npm)", async () => {
  const devices = await recorded("sparkplug_client");
  assert.deepEqual(
    Object.values(devices).map(({ id, name, online, entities }) =>
      `${id}|${name}|${online}|${entities.length}`
    ),
    [
      "Water Works/South|South|no|4",
      "Water Works/North|North|yes|4",
      "Water Works/North/Pump 1|Pump 1|yes|19",
      "Water Works/North/Valve 1|Valve 1|no|1",
    ],
  );
  const north = devices["Water Works/North"];
  assert.deepEqual(north?.keys, ["sparkplug:spBv1.0/Water Works/North"]);
  const command = {
    topic: "spBv1.0/Water Works/NCMD/North",
    payload: "json",
    encoding: "sparkplug",
  };
  const receivedAt = RECEIVED_AT + 3_000;
  const topic = "spBv1.0/Water Works/NDATA/North";
  assert.deepEqual(entitiesOf(north), {
    "Node Control/Rebirth": {
      ...REBIRTH,
      writes: [{ ...REBIRTH.writes?.[0], topic: command.topic }],
    },
    "Properties/Version": {
      name: "Properties/Version",
      kind: "text",
      isMinor: true,
      read: { topic, path: "/metrics/Properties~1Version" },
      heard: { value: "2.3.1", receivedAt, retain: false },
      writes: [{
        ...command,
        example: { metrics: [{ name: "Properties/Version", type: "String", value: "2.3.1" }] },
      }],
    },
    "Cabinet/Temperature": {
      name: "Cabinet/Temperature",
      kind: "number",
      unit: "°C",
      read: { topic, path: "/metrics/Cabinet~1Temperature" },
      // That of the data, which came last.
      heard: { value: 32.5, receivedAt: RECEIVED_AT + 10_000, retain: false },
      writes: [{
        ...command,
        min: -10,
        max: 60,
        example: { metrics: [{ name: "Cabinet/Temperature", type: "Float", value: 32.5 }] },
      }],
    },
    bdSeq: {
      name: "bdSeq",
      kind: "sensor",
      isMinor: true,
      read: { topic, path: "/metrics/bdSeq" },
      heard: { value: 0, receivedAt, retain: false },
    },
  });
  const pump = entitiesOf(devices["Water Works/North/Pump 1"]);
  assert.equal(pump["Flow"]?.heard?.value, 13.75);
  assert.deepEqual(pump["Running"], {
    name: "Running",
    kind: "switch",
    read: { topic: "spBv1.0/Water Works/DDATA/North/Pump 1", path: "/metrics/Running" },
    heard: { value: true, receivedAt: RECEIVED_AT + 4_000, retain: false },
    writes: [{
      ...command,
      topic: "spBv1.0/Water Works/DCMD/North/Pump 1",
      values: {
        on: { metrics: [{ name: "Running", type: "Boolean", value: true }] },
        off: { metrics: [{ name: "Running", type: "Boolean", value: false }] },
      },
    }],
  });
  assert.deepEqual(pump["Motor"], {
    name: "Motor",
    kind: "sensor",
    read: { topic: "spBv1.0/Water Works/DDATA/North/Pump 1", path: "/metrics/Motor" },
    heard: { value: { metrics: { RPM: 1450 } }, receivedAt: RECEIVED_AT + 4_000, retain: false },
  });
});

Deno.test("sparkplug() tells of the nodes and devices of tahu (PyPI)", async () => {
  const devices = await recorded("tahu");
  assert.deepEqual(
    Object.values(devices).map(({ id, online }) => `${id} ${online}`),
    // The death of Line 2 has another bdSeq than its birth.
    ["Plant/Line 2 no", "Plant/Line 1 yes", "Plant/Line 1/Press 7 yes"],
  );
  const press = entitiesOf(devices["Plant/Line 1/Press 7"]);
  assert.deepEqual(
    Object.entries(press).map(([name, { kind, heard }]) => [
      name,
      kind,
      heard && JSON.stringify(heard.value).slice(0, 30),
    ]),
    [
      ["Types/Int8", "number", "-5"],
      ["Types/Int16", "number", "-300"],
      ["Types/Int32", "number", "-70000"],
      ["Types/Int64", "number", '"-9007199254740993"'],
      ["Types/UInt8", "number", "200"],
      ["Types/UInt16", "number", "60000"],
      ["Types/UInt32", "number", "4000000000"],
      ["Types/UInt64", "number", '"9007199254740993"'],
      ["Types/Double", "number", "3.141592653589793"],
      ["Types/DateTime", "datetime", "1790000000000"],
      ["Types/Text", "text", '"two\\nlines"'],
      ["Types/UUID", "text", '"0f8fad5b-d9cb-469f-a165-70867'],
      ["Types/Bytes", "sensor", '"AAH+/w=="'],
      ["Types/Null", "number", "null"],
      ["Oil/Temperature", "number", "62.25"],
      ["Running", "switch", "false"],
      // It is historical.
      ["Oil/Level", "number", undefined],
      ["Shifts", "sensor", '{"columns":["name","parts"],"t'],
      ["Motor", "sensor", '{"metrics":{"RPM":1450}}'],
    ],
  );
  assert.equal(press["Oil/Temperature"]?.unit, "°C");
});

for (const name of ["sparkplug_client", "tahu"]) {
  Deno.test(`sparkplug() of ${name} names what can be read and written so`, async () => {
    const messages = await heard(name);
    const convention = sparkplug("spBv1.0");
    const births = new SparkplugBirths();
    for (const message of messages) take(convention, births.received(message));
    for (const { entities } of convention.devices()) {
      for (const { read, writes = [], heard } of entities) {
        const last = messages.findLast(({ topic }) => topic === read?.topic);
        const value = last && placesOf(last.payload, () => undefined)?.(
          parsePointer(read?.path ?? "", "path"),
        );
        if (value !== undefined) assert.deepEqual(value, heard?.value);
        for (const { topic, values = {}, example, encoding } of writes) {
          assert.equal(encoding, "sparkplug");
          const payloads = [...Object.values(values), ...(example === undefined ? [] : [example])];
          assert(payloads.length > 0);
          for (const payload of payloads) encodeSparkplug(payload, births.of(topic));
        }
      }
    }
  });
}

Deno.test("sparkplug() gives each data type a kind and a command that can be sent", () => {
  const cases: Array<[metric: { [key: string]: Json }, kind: string, example?: Json]> = [
    [{ type: "Int8", value: 5 }, "number", 5],
    [{ type: "UInt64", value: null }, "number", 0],
    [{ type: "Float", value: "NaN" }, "number", "NaN"],
    [{ type: "Double", value: null, properties: { engLow: 4 } }, "number", 4],
    [{ type: "DateTime", value: null }, "datetime", 0],
    [{ type: "String", value: null }, "text", "text"],
    [{ type: "Text", value: "x".repeat(101) }, "text", "text"],
    [{ type: "UUID", value: "u" }, "text", "u"],
    [{ type: "Text", value: "x".repeat(100) }, "text", "x".repeat(100)],
    [{ type: "Bytes", value: "AA==" }, "sensor"],
    [{ type: "Int8Array", value: [1, 2] }, "sensor"],
    [{ type: "Int32", value: 1, properties: { readOnly: true } }, "sensor"],
    [{ type: "Boolean", value: true, properties: { readOnly: true } }, "binary_sensor"],
    [{ type: "String", value: "a", properties: { readOnly: true } }, "sensor"],
  ];
  for (const [metric, kind, example] of cases) {
    const entity = entityOf(metric);
    const shown = JSON.stringify(metric);
    assert.equal(entity?.kind, kind, shown);
    assert.equal(entity.writes?.length, example === undefined ? undefined : 1, shown);
    const [write] = entity.writes ?? [];
    if (example === undefined) continue;
    const { type = null } = metric;
    assert.deepEqual(write?.example, { metrics: [{ name: "One", type, value: example }] }, shown);
    encodeSparkplug(write.example, undefined);
  }
  assert.equal(
    entityOf({ name: "Device Control/Reboot", type: "Boolean", value: false })?.kind,
    "button",
  );
  assert.equal(
    entityOf({ name: "Node Control/Scan Rate", type: "Int32", value: 5 })?.kind,
    "number",
  );
  assert.equal(
    entityOf({ name: "Node Control/Scan Rate", type: "Int32", value: 5 })?.isMinor,
    true,
  );
  assert.equal(
    entityOf({ name: "Node Controller", type: "Boolean", value: false })?.kind,
    "switch",
  );
  assert.equal(entityOf({ name: "bdSeqs", type: "Int32", value: 5 })?.isMinor, undefined);
  const wrong = { engUnit: true, engLow: "1", engHigh: "NaN", readOnly: "true" };
  assert.deepEqual(Object.keys(entityOf({ type: "Int32", value: 1, properties: wrong }) ?? {}), [
    "name",
    "kind",
    "read",
    "heard",
    "writes",
  ]);
});

Deno.test("sparkplug() tells a node of which only data was heard, with the way to its birth", () => {
  const convention = sparkplug("spBv1.0");
  assert.equal(take(convention, live("g/DDATA/n/d", level(1))), 0);
  const description = { source: "sparkplug", online: "yes", entities: [REBIRTH] } as const;
  const devices = devicesOf(convention);
  assert.deepEqual(devices, {
    "g/n": { ...description, id: "g/n", name: "n", keys: ["sparkplug:spBv1.0/g/n"], online: "yes" },
    "g/n/d": { ...description, id: "g/n/d", name: "d", keys: ["sparkplug:spBv1.0/g/n/d"] },
  });
  take(convention, live("g/NBIRTH/n", level(1)), live("g/DBIRTH/n/d", level(2)));
  for (const { entities } of convention.devices()) {
    assert.deepEqual(entities.map(({ name }) => name), ["Level"]);
  }
});

Deno.test("sparkplug() gives the values that came last, but no historical ones", () => {
  const convention = sparkplug("spBv1.0");
  const value = (): Json | undefined =>
    entitiesOf(devicesOf(convention)["g/n/d"])["Level"]?.heard?.value;
  take(convention, live("g/DBIRTH/n/d", level(1)));
  assert.equal(value(), 1);
  take(convention, live("g/DDATA/n/d", level(2)), live("g/NDATA/n", level(7)));
  assert.equal(value(), 2);
  take(convention, live("g/DDATA/n/d", [{ ...level(3)[0], historical: true }]));
  assert.equal(value(), 2);
  take(convention, live("g/DDATA/n/d", level(null)));
  assert.equal(value(), null);
  take(convention, live("g/DDATA/n/d", [{ name: "Other", type: "Int32", value: 3 }]));
  assert.deepEqual(Object.keys(entitiesOf(devicesOf(convention)["g/n/d"])), ["Level"]);
  take(convention, live("g/DBIRTH/n/d", [{ ...level(4)[0], historical: true }]));
  assert.equal(value(), undefined);
});

Deno.test("sparkplug() lets a value go that is too long, rather than tell an old one", () => {
  const text = (value: Json): Metrics => [{ name: "Level", type: "String", value }];
  const convention = sparkplug("spBv1.0");
  const value = (): Json | undefined =>
    entitiesOf(devicesOf(convention)["g/n/d"])["Level"]?.heard?.value;
  for (
    const [given, expected] of [["a", "a"], ["x".repeat(1_998), "x".repeat(1_998)], [
      "x".repeat(1_999),
      undefined,
    ], ["b", "b"]]
  ) {
    take(convention, live("g/DBIRTH/n/d", text(given ?? "")));
    assert.equal(value(), expected);
    take(convention, live("g/DBIRTH/n/d", text("a")), live("g/DDATA/n/d", text(given ?? "")));
    assert.equal(value(), expected);
  }
  for (
    const [length, type, element, isKept] of [
      [300, "Int8Array", -100, true],
      [3_000, "Int8Array", 1, false],
      [19, "StringArray", "x".repeat(100), true],
      [20, "StringArray", "x".repeat(100), false],
    ] as const
  ) {
    const metric = { name: "Level", type, value: Array(length).fill(element) };
    take(convention, live("g/DBIRTH/n/d", [metric]));
    assert.equal(value() !== undefined, isKept, `${type} of ${length}`);
  }
});

Deno.test("sparkplug() names the nodes of another prefix with it", () => {
  const convention = sparkplug("site/a");
  take(convention, { ...live("", level(1)), topic: "site/a/g/NBIRTH/n" });
  const [device] = [...convention.devices()];
  assert.equal(device?.id, "site/a/g/n");
  assert.deepEqual(device.keys, ["sparkplug:site/a/g/n"]);
  assert.equal(device.entities[0]?.read?.topic, "site/a/g/NDATA/n");
});
