import assert from "node:assert/strict";
import fc from "fast-check";
import { sparkplug } from "../../lib/devices/sparkplug.ts";
import type { Json } from "../../lib/messages/json.ts";
import { SparkplugBirths } from "../../lib/messages/sparkplug_births.ts";
import { encodeSparkplug } from "../../lib/messages/sparkplug_encode.ts";
import { HOSTILE_PAYLOADS } from "../messages/hostile_payloads.ts";
import { bytes, level, live, type Metrics, REBIRTH } from "./sparkplug_messages.ts";
import { devicesOf, entitiesOf, RECEIVED_AT, stepsOf, take } from "./taking.ts";

Deno.test("sparkplug() passes over topics that are none of nodes and devices", () => {
  const convention = sparkplug("spBv1.0");
  for (
    const path of [
      "STATE/host",
      "g/NCMD/n",
      "g/DCMD/n/d",
      "g/NBIRTH/n/d",
      "g/DBIRTH/n",
      "g/DBIRTH/n/d/e",
      "g/XBIRTH/n",
      "/NBIRTH/n",
      "g/NBIRTH/",
      "g/DBIRTH/n/",
    ]
  ) {
    assert.equal(take(convention, live(path, level(1))), 0);
    assert.deepEqual(devicesOf(convention), {}, path);
  }
  for (const topic of ["spBv1.00/g/NBIRTH/n", "spAv1.0/g/NBIRTH/n"]) {
    assert.equal(take(convention, { ...live("", level(1)), topic }), 0);
    assert.deepEqual(devicesOf(convention), {});
  }
});

Deno.test("sparkplug() names no topic that cannot be one", () => {
  const convention = sparkplug("spBv1.0");
  take(convention, live("g\x01/NBIRTH/n", level(1)), live("g\x01/DDATA/n/d", level(1)));
  const { "g\\u0001/n": node, "g\\u0001/n/d": device } = devicesOf(convention);
  assert.deepEqual(node?.entities, [{
    name: "Level",
    kind: "number",
    heard: { value: 1, receivedAt: RECEIVED_AT, retain: false },
  }]);
  const { writes, ...rebirth } = REBIRTH;
  assert(writes);
  assert.deepEqual(device?.entities, [rebirth]);
});

Deno.test("sparkplug() counts what it cannot understand or has no room for", () => {
  const convention = sparkplug("spBv1.0");
  const payload = Uint8Array.of(0xFF);
  const garbage = new SparkplugBirths().received(bytes("g/NBIRTH/n", payload));
  assert.equal(take(convention, garbage), 1);
  // Its aliases are not known.
  assert.equal(take(convention, bytes("g/NBIRTH/n", payload)), 1);
  assert.equal(take(convention, bytes("g/NDATA/n", payload)), 0);
  assert.deepEqual(devicesOf(convention), {});
  const metrics = [
    ...level(1),
    { alias: 5, type: "Int32", value: 1 },
    { name: " ", type: "Int32", value: 1 },
    { name: "x".repeat(1_001), type: "Int32", value: 1 },
    { name: "x".repeat(1_000), type: "Int32", value: 1 },
  ];
  assert.equal(take(convention, live("g/NBIRTH/n", metrics)), 3);
  assert.equal(devicesOf(convention)["g/n"]?.entities.length, 2);
  const long = "x".repeat(201);
  for (const path of [`${long}/NBIRTH/n`, `g/NBIRTH/${long}`, `g/DBIRTH/n/${long}`]) {
    assert.equal(take(convention, live(path, level(1))), 1);
    assert.equal(take(convention, live(path.replace("BIRTH", "DATA"), level(1))), 0);
    assert.equal(take(convention, bytes(path, new Uint8Array())), 0);
  }
  assert.deepEqual(Object.keys(devicesOf(convention)), ["g/n"]);
  const fits = "x".repeat(200);
  assert.equal(take(convention, live(`${fits}/DBIRTH/${fits}/${fits}`, level(1))), 0);
  assert.equal(devicesOf(convention)[`${fits}/${fits}/${fits}`]?.name, fits);
});

Deno.test("sparkplug() tells no more than 5,000 metrics of a node with its devices", () => {
  const many = (count: number, type = "Int8"): Metrics =>
    Array.from({ length: count }, (_, i) => ({ name: `m${i}`, type, value: null }));
  const convention = sparkplug("spBv1.0");
  assert.equal(take(convention, live("g/NBIRTH/n", many(3_000))), 0);
  assert.equal(take(convention, live("g/DBIRTH/n/d", many(2_000))), 0);
  assert.equal(take(convention, live("g/DBIRTH/n/e", many(7))), 7);
  // Those of the certificate before make room.
  assert.equal(take(convention, live("g/DBIRTH/n/d", many(2_001))), 1);
  assert.equal(take(convention, live("g/DBIRTH/n/d", [...many(1_999), ...many(1_999)])), 0);
  assert.equal(take(convention, live("g/DBIRTH/n/e", many(7))), 6);
  assert.equal(take(convention, live("h/NBIRTH/n", many(7))), 0);
});

Deno.test("sparkplug() tells no more than 1,000 devices of a node", () => {
  const convention = sparkplug("spBv1.0");
  for (let i = 0; i < 1_000; i++) take(convention, live(`g/DBIRTH/n/d${i}`, level(1)));
  assert.equal(take(convention, live("g/DBIRTH/n/x", level(1))), 1);
  assert.equal(take(convention, live("g/DDATA/n/x", level(1))), 0);
  assert.equal(take(convention, live("g/DBIRTH/n/d0", level(1))), 0);
  take(convention, bytes("g/DBIRTH/n/d0", new Uint8Array()));
  assert.equal(take(convention, live("g/DBIRTH/n/x", level(1))), 0);
});

Deno.test("sparkplug() keeps a bounded amount of what it is told, and has room where something went", () => {
  const convention = sparkplug("spBv1.0");
  const text = "x".repeat(1_999);
  const metrics = Array.from(
    { length: 200 },
    (_, i) => ({ name: `m${i}`, type: "String", value: text }),
  );
  const { payload } = live("", metrics);
  const flood = (): { readonly left: number; readonly heard: number } => {
    let left = 0;
    for (let i = 0; i < 80; i++) left += take(convention, bytes(`g/NBIRTH/n${i}`, payload));
    const entities = [...convention.devices()].flatMap((device) => device.entities);
    return { left, heard: entities.filter(({ heard }) => heard !== undefined).length };
  };
  const first = flood();
  // 32 MiB, of 2 bytes for a character.
  assert(first.heard > 6_000 && first.heard < 8_000, `${first.heard}`);
  assert(first.left > 0);
  // Twice the same takes no more, and no less.
  assert.deepEqual(flood(), first);
  // What there is no room for is not told, nor is what it takes the place of.
  const data = live("g/NDATA/n0", [{ name: "m0", type: "String", value: text }]);
  const none = live("g/NDATA/n0", [{ name: "m0", type: "String", value: "" }]);
  const m0 = (): Json | undefined => entitiesOf(devicesOf(convention)["g/n0"])["m0"]?.heard?.value;
  for (let i = 0; i < 10_000; i++) take(convention, i % 2 === 0 ? none : data);
  assert.equal(m0(), text);
  take(convention, none);
  const last = live(
    "g/NBIRTH/n0",
    Array.from({ length: 5_000 }, (_, i) => ({ name: `m${i}`, type: "Int32", value: null })),
  );
  assert(take(convention, last) > 3_000);
  take(convention, data);
  assert.equal(m0(), undefined);
  for (let i = 0; i < 80; i++) {
    take(convention, live(`g/DBIRTH/n${i}/d`, level(1)));
    take(convention, bytes(`g/NBIRTH/n${i}`, new Uint8Array()));
  }
  assert.deepEqual(devicesOf(convention), {});
  assert.deepEqual(flood(), first);
});

Deno.test("sparkplug() takes up no node when there is no room", () => {
  const convention = sparkplug("spBv1.0");
  const { payload } = live("", level(1));
  let left = 0;
  for (let i = 0; i < 40_000; i++) left += take(convention, bytes(`g${i}/NBIRTH/n`, payload));
  const { length } = [...convention.devices()];
  assert(length > 15_000 && length < 35_000, `${length}`);
  assert(left >= 40_000 - length, `${left}`);
});

Deno.test("sparkplug() is not held up by what is made to be expensive", () => {
  const convention = sparkplug("spBv1.0");
  const births = new SparkplugBirths();
  const payloads = [
    ...Object.values(HOSTILE_PAYLOADS).map((make) => make(256 * 1024)),
    live(
      "",
      Array.from({ length: 5_000 }, (_, i) => ({ name: `m${i}`, type: "Int32", value: i })),
    ).payload,
    live("", [{ name: "a", type: "UInt8Array", value: Array(60_000).fill(255) }]).payload,
    live("", [{ name: "a", type: "String", value: "x".repeat(900_000) }]).payload,
  ];
  const { payload: many } = live("", [...Array(1_000)].map((_, i) => level(i)).flat());
  assert.equal(stepsOf(convention, births.received(bytes("g/NBIRTH/n", many))).steps, 4);
  const named = live(
    "g/NDATA/n",
    Array.from({ length: 1_000 }, (_, i) => ({ name: `m${i}`, type: "Int32", value: i })),
  );
  assert.equal(stepsOf(convention, named).steps, 4);
  for (const topic of ["g/NBIRTH/n", "g/NDATA/n"]) {
    for (const payload of payloads) {
      const { longestMs } = stepsOf(convention, births.received(bytes(topic, payload)));
      assert(longestMs < 250, `${longestMs} ms`);
    }
  }
});

Deno.test("sparkplug() never throws, whatever comes", () => {
  const name = fc.constantFrom("g", "n", "\u0000", "\u202e", "__proto__", "x".repeat(199), "", "$");
  const kind = fc.constantFrom("NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH");
  const value = fc.oneof(
    fc.constant(null),
    fc.integer({ min: 0, max: 100 }),
    fc.boolean(),
    fc.string({ unit: "grapheme" }),
    fc.constant([]),
  );
  const type = fc.constantFrom(
    "Int32",
    "String",
    "Boolean",
    "Double",
    "DateTime",
    "Bytes",
    "Int8Array",
  );
  const metricName = fc.constantFrom(
    "a",
    "bdSeq",
    "__proto__",
    "Node Control/Rebirth",
    "\u202e",
    "~/",
  );
  const payload = fc.oneof(
    fc.uint8Array(),
    fc.array(fc.record({ name: metricName, type, value })).map((metrics) => {
      try {
        return encodeSparkplug({ metrics }, undefined);
      } catch {
        return new Uint8Array();
      }
    }),
    fc.array(fc.record({ name: metricName, type, value: fc.constant(null) })).map((metrics) =>
      encodeSparkplug({ metrics }, undefined)
    ),
  );
  const path = fc.tuple(name, kind, name, fc.option(name)).map(([group, type, node, device]) =>
    device === null ? `${group}/${type}/${node}` : `${group}/${type}/${node}/${device}`
  );
  fc.assert(fc.property(
    fc.array(fc.tuple(path, payload, fc.boolean(), fc.boolean())),
    (messages) => {
      const convention = sparkplug("spBv1.0");
      const births = new SparkplugBirths();
      for (const [topic, content, retain, isKnown] of messages) {
        const message = { ...bytes(topic, content), retain };
        assert(take(convention, isKnown ? births.received(message) : message) >= 0);
      }
      for (const { entities } of convention.devices()) {
        for (const { read, writes = [] } of entities) {
          for (const place of [read, ...writes]) {
            assert(place === undefined || !/[+#\0]/.test(place.topic), String(place?.topic));
          }
        }
      }
    },
  ));
});
