import assert from "node:assert/strict";
import fc from "fast-check";
import { homie } from "../../lib/devices/homie.ts";
import { HOSTILE_PAYLOADS } from "../messages/hostile_payloads.ts";
import { five, four } from "./homie_messages.ts";
import { devicesOf, retained, stepsOf, take } from "./taking.ts";

Deno.test("homie() tells no command and no value on a topic that is too long", () => {
  const writes = (rootLength: number): number[] => {
    const root = "r".repeat(rootLength);
    const convention = homie(root);
    take(
      convention,
      retained(`${root}/5/hall/$state`, "ready"),
      retained(
        `${root}/5/hall/$description`,
        five({ one: { datatype: "boolean", settable: true } }),
      ),
    );
    return [...convention.devices()].flatMap(({ entities }) =>
      entities.map((entity) => entity.writes?.length ?? 0)
    );
  };
  const rest = "/5/hall/main/one".length;
  assert.deepEqual(writes(65_535 - rest - "/set".length), [1]);
  assert.deepEqual(writes(65_535 - rest), [0]);
  assert.deepEqual(writes(65_535 - rest + 1), []);
});

Deno.test("homie() counts what it cannot understand, until it is put right", () => {
  const convention = homie("homie");
  take(convention, retained("homie/5/hall/$state", "ready"));
  const good = five({ one: { datatype: "float" } });
  const nothing: Array<string | Uint8Array> = [
    good.slice(0, -1),
    "[]",
    "null",
    "{}",
    good.replace("5.0", "4.0"),
    good.replace("5.0", "50"),
    Uint8Array.of(0xFF),
  ];
  const half = [
    five({ one: { datatype: "float" }, two: {} }),
    five({ "a/b": { datatype: "float" }, one: { datatype: "float" } }),
    five({ $x: { datatype: "float" }, one: { datatype: "float" } }),
    five({ "a\0": { datatype: "float" }, one: { datatype: "float" } }),
    five({ " ": { datatype: "float" }, one: { datatype: "float" } }),
    five({ "": { datatype: "float" }, one: { datatype: "float" } }),
    five({ ["x".repeat(257)]: { datatype: "float" }, one: { datatype: "float" } }),
    five({ "#": { datatype: "float" }, one: { datatype: "float" } }),
  ];
  for (const [payloads, expected] of [[nothing, undefined], [half, ["one"]]] as const) {
    for (const payload of payloads) {
      assert.equal(take(convention, retained("homie/5/hall/$description", good)), 0);
      assert.equal(take(convention, retained("homie/5/hall/$description", payload)), 1);
      const device = devicesOf(convention)["hall"];
      assert.deepEqual(device?.entities.map(({ name }) => name), expected, String(payload));
    }
  }
  assert.equal(take(convention, retained("homie/5/hall/$state", "x".repeat(101))), 1);
  assert.equal(take(convention, retained("homie/5/x/$state", "x".repeat(100))), 0);
  assert.equal(take(convention, retained("homie/hall/$name", Uint8Array.of(0xFF))), 1);
  assert.equal(take(convention, retained("homie/hall/$name", "x".repeat(16 * 1024 + 1))), 1);
  assert.equal(take(convention, retained(`homie/${"x".repeat(257)}/$name`, "x")), 1);
  assert.equal(take(convention, retained("homie/$x/$name", "x")), 1);
  const ids = Array.from({ length: 501 }, (_, i) => `n${i}`);
  assert.equal(take(convention, retained("homie/hall/$nodes", ids.join())), 1);
  assert.equal(take(convention, retained("homie/hall/$nodes", ids.slice(1).join())), 0);
  assert.equal(take(convention, retained("homie/hall/$name", ids.join())), 0);
  const told = (nodes: readonly string[]): unknown => {
    take(convention, ...four({}, "3.0"));
    take(convention, retained("homie/hall/$nodes", nodes.join()));
    take(convention, retained("homie/hall/main/$properties", ids.join()));
    return devicesOf(convention)["hall"]?.entities.map(({ name }) => name);
  };
  assert.deepEqual(told(["main"]), ids.slice(0, 500));
  assert.deepEqual(told([...ids.slice(2), "main"]), ids.slice(0, 500));
  assert.deepEqual(told([...ids.slice(1), "main"]), []);
});

Deno.test("homie() passes over topics that it has not asked for", () => {
  const convention = homie("homie");
  for (
    const topic of [
      "homie/hall",
      "homie/hall/$stats",
      "homie/hall/$stats/uptime",
      "homie/hall/main/one",
      "homie/hall/main/$format",
      "homie/5/hall/main/$description",
      "homie/5/hall/$state/main",
      "homie/5/hall/$description/main",
      "other/hall/$homie",
      "homie2/hall/$homie",
      "homie",
      "",
    ]
  ) {
    assert.equal(take(convention, retained(topic, Uint8Array.of(0xFF))), 0, topic);
  }
});

Deno.test("homie() tells no more than 2,000 properties of a device", () => {
  const ids = (count: number, letter: string): string[] =>
    Array.from({ length: count }, (_, i) => `${letter}${i}`);
  const convention = homie("homie");
  take(
    convention,
    ...four({}, "3.0"),
    retained("homie/hall/$nodes", ids(20, "n").join()),
    ...ids(20, "n").map((node) => retained(`homie/hall/${node}/$properties`, ids(300, "p").join())),
  );
  const start = performance.now();
  assert.equal(devicesOf(convention)["hall"]?.entities.length, 2_000);
  assert(performance.now() - start < 200);
});

Deno.test("homie() tells 500 nodes of a device of Homie 5, 500 properties of a node, and 2,000 in all", () => {
  const convention = homie("homie");
  take(convention, retained("homie/5/hall/$state", "ready"));
  for (
    const [nodes, properties, told, faults] of [
      [1, 500, 500, 0],
      [1, 501, 500, 1],
      [500, 1, 500, 0],
      [501, 1, 500, 1],
      [4, 500, 2_000, 0],
      [6, 450, 2_000, 1],
    ] as const
  ) {
    const of = <T>(count: number, value: T): Record<string, T> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, value]));
    const node = { properties: of(properties, { datatype: "float" }) };
    const text = five({}, { nodes: of(nodes, node) });
    assert.equal(take(convention, retained("homie/5/hall/$description", text)), faults);
    assert.equal(devicesOf(convention)["hall"]?.entities.length, told);
  }
});

Deno.test("homie() knows the states of no more than 10,000 devices of Homie 5", () => {
  const convention = homie("homie");
  const states = Array.from(
    { length: 10_001 },
    (_, i) => retained(`homie/5/d${i}/$state`, "ready"),
  );
  assert.equal(take(convention, ...states), 1);
  assert.equal(take(convention, ...states.slice(0, 10_000)), 0);
});

Deno.test("homie() keeps a bounded amount of what it is told", () => {
  const convention = homie("homie");
  const name = "x".repeat(16 * 1024);
  let faults = 0;
  for (let i = 0; i < 1_000; i++) {
    faults += take(convention, retained(`homie/d${i}/$name`, name));
  }
  assert(faults > 400 && faults < 600, `${faults}`);
  // There is room again where something went.
  take(convention, retained("homie/d1/$name"));
  assert.equal(take(convention, retained("homie/d999/$name", name)), 0);
  assert.equal(take(convention, retained("homie/d2/$name", name)), 0);

  const property = { datatype: "enum", settable: true, format: "x".repeat(90) };
  const properties = Object.fromEntries(
    Array.from({ length: 400 }, (_, i) => [`p${i}`, property]),
  );
  faults = 0;
  for (let i = 0; i < 120; i++) {
    const id = `homie/5/d${i}`;
    faults += take(
      convention,
      retained(`${id}/$state`, "ready"),
      retained(`${id}/$description`, five(properties)),
    );
  }
  assert(faults > 10 && faults < 110, `${faults}`);
  assert.equal([...convention.devices()].length, 120 - faults);
  take(convention, retained("homie/5/d1/$description"));
  assert.equal(take(convention, retained("homie/5/d119/$description", five(properties))), 0);
});

Deno.test("homie() is not held up by what is made to be expensive", () => {
  const convention = homie("homie");
  const topics = ["homie/5/hall/$description", "homie/hall/$nodes", "homie/hall/main/one/$format"];
  const topMost = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, i) => [`p${i}`, { datatype: "x" }]),
  );
  const payloads = [
    ...Object.values(HOSTILE_PAYLOADS).map((make) => make(256 * 1024)),
    new TextEncoder().encode(five(topMost)),
    new TextEncoder().encode(
      JSON.stringify({ homie: "5.0", nodes: { a: { name: "x".repeat(200_000) } } }),
    ),
  ];
  for (const topic of topics) {
    for (const payload of payloads) {
      const { longestMs } = stepsOf(convention, retained(topic, payload));
      assert(longestMs < 250, `${longestMs} ms`);
      [...convention.devices()];
    }
  }
});

Deno.test("homie() never throws, whatever comes", () => {
  const level = fc.constantFrom(
    ..."homie 5 hall main one $homie $name $state $nodes $properties $datatype $settable $retained"
      .split(" "),
    ..."$unit $format $description set a/b".split(" "),
    "",
    "\u0000",
    "x".repeat(66_000),
    "__proto__",
  );
  const topic = fc.array(level, { maxLength: 5 }).map((levels) => ["homie", ...levels].join("/"));
  const payload = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc.constantFrom(
      "4.0",
      "main,one",
      "one,\u0000,__proto__,+",
      "true",
      "color",
      "boolean",
      ",,",
      "::",
    )
      .map((text) => new TextEncoder().encode(text)),
    fc.jsonValue().map((value) => new TextEncoder().encode(five(value))),
    fc.record({ datatype: fc.jsonValue(), format: fc.jsonValue(), settable: fc.boolean() })
      .map((value) => new TextEncoder().encode(five({ one: value, "__proto__": value }))),
  );
  fc.assert(fc.property(fc.array(fc.tuple(topic, payload)), (messages) => {
    const convention = homie("homie");
    for (const [name, bytes] of messages) {
      assert([0, 1].includes(take(convention, retained(name, bytes))));
    }
    for (const { entities } of convention.devices()) {
      for (const { name, read, writes = [] } of entities) {
        assert(name !== "");
        for (const place of [read, ...writes]) {
          assert(place === undefined || !/[+#\0]/.test(place.topic), String(place?.topic));
        }
      }
    }
  }));
});
