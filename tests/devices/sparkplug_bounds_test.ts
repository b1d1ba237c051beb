import assert from "node:assert/strict";
import fc from "fast-check";
import { sparkplug } from "../../lib/devices/sparkplug.ts";
import { SparkplugBirths } from "../../lib/messages/sparkplug_births.ts";
import { encodeSparkplug } from "../../lib/messages/sparkplug_encode.ts";
import { HOSTILE_PAYLOADS } from "../messages/hostile_payloads.ts";
import { bytes, level, live, type Metrics } from "./sparkplug_messages.ts";
import { devicesOf, stepsOf, take } from "./taking.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

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

Deno.test("sparkplug() takes no names that could not be shown as they are", () => {
  const convention = sparkplug("spBv1.0");
  for (const name of ["g\x01", "\u202e", " "]) {
    assert.equal(take(convention, live(`${name}/DDATA/n/d`, level(1))), 0);
    assert.equal(take(convention, live(`g/DBIRTH/${name}/d`, level(1))), name === "g\x01" ? 0 : 1);
  }
  assert.deepEqual(devicesOf(convention), {});
});

Deno.test("sparkplug() counts what it cannot understand", () => {
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

Deno.test("sparkplug() tells no more than 5,000 metrics of a node or device", () => {
  const many = (count: number): Metrics =>
    Array.from({ length: count }, (_, i) => ({ name: `m${i}`, type: "Int8", value: null }));
  const convention = sparkplug("spBv1.0");
  for (const path of ["g/NBIRTH/n", "g/DBIRTH/n/d"]) {
    assert.equal(take(convention, live(path, many(5_007))), 7);
    assert.equal(take(convention, live(path, many(5_000))), 0);
    assert.equal(take(convention, live(path, [...many(4_000), ...many(5_000)])), 0);
  }
  for (const { entities } of convention.devices()) assert.equal(entities.length, 5_000);
});

Deno.test(
  "sparkplug() is not held up by what is made to be expensive",
  { retry: TIMED_RETRIES },
  () => {
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
    for (const topic of ["g/NBIRTH/n", "g/NDATA/n"]) {
      for (const payload of payloads) {
        const { longestMs } = stepsOf(convention, births.received(bytes(topic, payload)));
        assert(longestMs < 250, `${longestMs} ms`);
      }
    }
  },
);

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
