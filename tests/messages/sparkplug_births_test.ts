import assert from "node:assert/strict";
import type { Json } from "../../lib/messages/json.ts";
import type { Message } from "../../lib/messages/message.ts";
import { SparkplugPayload } from "../../lib/messages/sparkplug.ts";
import { SparkplugBirths } from "../../lib/messages/sparkplug_births.ts";
import { encodeSparkplug } from "../../lib/messages/sparkplug_encode.ts";
import { typeNumber } from "../../lib/messages/sparkplug_types.ts";
import { writePayload } from "../../lib/messages/sparkplug_wire.ts";
import { JS_GZIP, PY_BIRTH, PY_DATA, PY_DATA_NAMED } from "./sparkplug_fixtures.ts";

function message(topic: string, payload: Uint8Array): Message {
  return { topic, payload, qos: 0, retain: false, receivedAt: 0 };
}

interface Metric {
  readonly name?: string;
  readonly alias?: number | string;
  readonly type?: string;
  readonly value?: Json;
}

let made = 0;

/** A payload that is like no other. */
function payload(...metrics: readonly Metric[]): Uint8Array {
  const given = metrics.map((metric) => ({ type: "Int32", value: 1, ...metric }));
  return Uint8Array.from(
    encodeSparkplug({ timestamp: ++made, metrics: given as Json[] }, undefined),
  );
}

/** The names of the metrics, or their aliases. */
function names({ payload }: Message): Json[] {
  assert.ok(payload instanceof SparkplugPayload);
  const { metrics } = payload.shown() ?? {};
  assert.ok(Array.isArray(metrics));
  return metrics.map((metric) => {
    const { name, alias } = metric as Record<string, Json>;
    return name ?? alias ?? null;
  });
}

Deno.test("SparkplugBirths.received() resolves aliases and types by the birth", () => {
  const births = new SparkplugBirths();
  const data = message("spBv1.0/G/NDATA/N", PY_DATA);
  assert.deepEqual(names(births.received(data)), [3, 9, 7]);
  births.received(message("spBv1.0/G/NBIRTH/N", PY_BIRTH));
  const { payload } = births.received(data);
  assert.ok(payload instanceof SparkplugPayload);
  assert.deepEqual(payload.shown(), PY_DATA_NAMED);
  const device = births.received(message("spBv1.0/G/DDATA/N/D", PY_DATA));
  assert.deepEqual(names(device), ["Int32", "Float", "UInt32"], "one table for the whole node");
  assert.deepEqual((device.payload as SparkplugPayload).shown(), payload.shown());
  for (const other of ["spBv1.0/G/NDATA/M", "spBv1.0/H/NDATA/N"]) {
    assert.deepEqual(names(births.received(message(other, PY_DATA))), [3, 9, 7], other);
  }
});

Deno.test("SparkplugBirths.received() leaves alone what is not Sparkplug B", () => {
  const births = new SparkplugBirths();
  for (
    const topic of [
      "sensors/a",
      "spBv1.0/STATE/host",
      "spBv1.0/G/STATE/N",
      "spBv1.0/G/NDATA",
      "spBv1.0/G/NDATA/N/D",
      "spBv1.0/G/DDATA/N",
      "spBv1.0/G/DDATA/N/D/x",
      "spAv1.0/G/NDATA/N",
      "spBv1.0x/G/NDATA/N",
      "$sparkplug/certificates/G/NDATA/N",
      "a/spBv1.0/G/NDATA/N",
    ]
  ) {
    const one = message(topic, PY_DATA);
    assert.equal(births.received(one), one, topic);
  }
  const empty = message("spBv1.0/G/NDATA/N", new Uint8Array());
  assert.equal(births.received(empty), empty);
});

Deno.test("SparkplugBirths takes other prefixes", () => {
  const births = new SparkplugBirths({ prefixes: ["plant/a", "spBv1.0"] });
  births.received(message("plant/a/G/NBIRTH/N", PY_BIRTH));
  const data = births.received(message("plant/a/G/NDATA/N", PY_DATA));
  assert.deepEqual(names(data), ["Int32", "Float", "UInt32"]);
  const other = births.received(message("spBv1.0/G/NDATA/N", PY_DATA));
  assert.deepEqual(names(other), [3, 9, 7], "another node of the same name");
});

Deno.test("SparkplugBirths reads the certificates that a broker keeps, in any order", () => {
  for (const order of [["NBIRTH/N", "DBIRTH/N/D"], ["DBIRTH/N/D", "NBIRTH/N"]]) {
    const births = new SparkplugBirths();
    for (const rest of order) {
      const metric = rest === "NBIRTH/N" ? { name: "A", alias: 1 } : { name: "B", alias: 2 };
      const topic = `$sparkplug/certificates/spBv1.0/G/${rest}`;
      assert.deepEqual(names(births.received(message(topic, payload(metric)))), [metric.name]);
    }
    const data = message("spBv1.0/G/DDATA/N/D", payload({ alias: 1 }, { alias: 2 }));
    assert.deepEqual(names(births.received(data)), ["A", "B"]);
  }
});

Deno.test("SparkplugBirths drops the aliases of a node and its devices at its next birth", () => {
  const births = new SparkplugBirths();
  const first = message("spBv1.0/G/NBIRTH/N", payload({ name: "A", alias: 1 }));
  births.received(first);
  births.received(message("spBv1.0/G/DBIRTH/N/D", payload({ name: "B", alias: 2 })));
  const data = message("spBv1.0/G/DDATA/N/D", payload({ alias: 1 }, { alias: 2 }));
  const before = births.received(data);
  // The same one, for a second subscription.
  births.received(first);
  assert.deepEqual(names(births.received(data)), ["A", "B"]);
  births.received(message("spBv1.0/G/NBIRTH/N", payload({ name: "C", alias: 2 })));
  assert.deepEqual(names(births.received(data)), [1, "C"]);
  assert.deepEqual(names(before), ["A", "B"], "what came before keeps its names");
});

Deno.test("SparkplugBirths: a device that is born anew changes nothing for what came before", () => {
  const births = new SparkplugBirths();
  const birth = (metric: Metric): unknown =>
    births.received(message("spBv1.0/G/DBIRTH/N/D", payload(metric)));
  const data = message("spBv1.0/G/DDATA/N/D", payload({ alias: 1 }, { alias: 5 }));
  const node = message("spBv1.0/G/NBIRTH/N", payload({ name: "Node", alias: 9 }));
  births.received(node);
  birth({ name: "Other", alias: 5 });
  birth({ name: "A", alias: 1 });
  const before = births.received(data);
  birth({ name: "B", alias: 1 });
  assert.deepEqual(names(before), ["A", "Other"]);
  assert.deepEqual(names(births.received(data)), ["B", "Other"]);
  births.received(node);
  assert.deepEqual(names(births.received(data)), ["B", "Other"], "the birth of the node is known");
});

Deno.test("SparkplugBirths.of() tells the types by name, of a device its own", () => {
  const births = new SparkplugBirths();
  const birth = (topic: string, type: string): unknown =>
    births.received(
      message(topic, payload({ name: "Speed", type, alias: "18446744073709551615" })),
    );
  birth("spBv1.0/G/NBIRTH/N", "Int16");
  birth("spBv1.0/G/DBIRTH/N/D", "Double");
  assert.equal(births.of("spBv1.0/G/NCMD/N")?.typeOf("Speed"), typeNumber("Int16"));
  assert.equal(births.of("spBv1.0/G/DCMD/N/D")?.typeOf("Speed"), typeNumber("Double"));
  assert.equal(births.of("spBv1.0/G/DCMD/N/E")?.typeOf("Speed"), undefined);
  assert.equal(births.of("spBv1.0/G/NCMD/N")?.named(2n ** 64n - 1n)?.name, "Speed");
  assert.equal(births.of("spBv1.0/G/NCMD/M"), undefined);
  assert.equal(births.of("a/b"), undefined);
});

Deno.test("SparkplugBirths learns from a compressed birth, and nothing from a broken one", () => {
  const births = new SparkplugBirths();
  births.received(message("spBv1.0/G/NBIRTH/N", JS_GZIP));
  assert.equal(births.of("spBv1.0/G/NCMD/N")?.named(4)?.name, "A");
  births.received(message("spBv1.0/G/NBIRTH/M", PY_BIRTH.subarray(0, -3)));
  assert.equal(births.of("spBv1.0/G/NCMD/M")?.named(3), undefined);
});

Deno.test("SparkplugBirths remembers a bounded number of nodes and metrics, the last ones", () => {
  const births = new SparkplugBirths({ maxBytes: 20_000 });
  const born = (node: string, metrics: number): Message => {
    const all = Array.from(
      { length: metrics },
      (_, alias) => ({ name: `${node} ${alias}`, alias }),
    );
    births.received(message(`spBv1.0/G/NBIRTH/${node}`, payload(...all)));
    return births.received(message(`spBv1.0/G/NDATA/${node}`, payload({ alias: 0 })));
  };
  const isKnown = (node: string): boolean =>
    births.of(`spBv1.0/G/NCMD/${node}`)?.named(0) !== undefined;
  born("quiet", 3);
  const first = born("flapping", 3);
  assert.deepEqual(names(first), ["flapping 0"]);
  // What is no more makes room, not what lives.
  for (let i = 0; i < 50; i++) born("flapping", 3);
  assert.ok(isKnown("quiet") && isKnown("flapping"));
  assert.deepEqual(names(first), [0], "and what held on to it holds nothing any more");
  for (let i = 0; i < 50; i++) born(`n${i}`, 3);
  const known = Array.from({ length: 50 }, (_, i) => isKnown(`n${i}`));
  const kept = known.filter((one) => one).length;
  assert.ok(kept >= 5 && kept <= 12, `${kept}`);
  assert.ok(known.slice(-kept).every((one) => one), "the last ones");
  assert.ok(!isKnown("quiet"));
  born("huge", 2_000);
  assert.ok(isKnown("huge") && isKnown("n49"), "one never takes the room of all");
  const huge = births.of("spBv1.0/G/NCMD/huge");
  assert.equal(huge?.named(1_999), undefined);
});

Deno.test("SparkplugBirths counts each table that is held for what came before", () => {
  const births = new SparkplugBirths({ maxBytes: 20_000 });
  const device = (birth: Uint8Array): unknown =>
    births.received(message("spBv1.0/G/DBIRTH/N/D", birth));
  device(payload(...Array.from({ length: 9 }, (_, alias) => ({ name: `A${alias}`, alias }))));
  const before = births.received(message("spBv1.0/G/DDATA/N/D", payload({ alias: 0 })));
  // A birth that says nothing new makes no new table.
  for (let i = 0; i < 50; i++) device(writePayload({ metrics: [{ name: "A0", alias: 0 }] }));
  assert.deepEqual(names(before), ["A0"]);
  for (let i = 0; i < 8; i++) device(payload({ name: `B${i}`, alias: 0 }));
  assert.deepEqual(names(before), [0]);
});
