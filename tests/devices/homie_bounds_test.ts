import assert from "node:assert/strict";
import fc from "fast-check";
import { homie } from "../../lib/devices/homie.ts";
import { HOSTILE_PAYLOADS } from "../messages/hostile_payloads.ts";
import { five, four } from "./homie_messages.ts";
import { devicesOf, retained, stepsOf, take } from "./taking.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

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
  assert.equal(take(convention, retained("homie/hall/$name", Uint8Array.of(0xFF))), 1);
  assert.equal(take(convention, retained("homie/hall/$name", "x".repeat(16 * 1024 + 1))), 1);
  assert.equal(take(convention, retained(`homie/${"x".repeat(257)}/$name`, "x")), 1);
  assert.equal(take(convention, retained("homie/$x/$name", "x")), 1);
});

Deno.test("homie() tells no more than 2,000 properties of a device, and looks at no more", () => {
  const ids = (count: number, letter: string): string[] =>
    Array.from({ length: count }, (_, i) => `${letter}${i}`);
  const convention = homie("homie");
  const types = (node: string, count: number) =>
    ids(count, "p").map((id) => retained(`homie/hall/${node}/${id}/$datatype`, "float"));
  const told = (): unknown => devicesOf(convention)["hall"]?.entities.length;
  take(
    convention,
    ...four({}),
    retained("homie/hall/$nodes", ids(20, "n").join()),
    ...ids(20, "n").map((node) => retained(`homie/hall/${node}/$properties`, ids(300, "p").join())),
    ...types("n0", 300),
    ...types("n19", 300),
  );
  assert.equal(told(), 300);
  take(convention, ...ids(19, "n").flatMap((node) => types(node, 300)));
  assert.equal(told(), 2_000);
  const properties = (count: number) =>
    five(Object.fromEntries(ids(count, "p").map((id) => [id, { datatype: "float" }])));
  take(convention, retained("homie/5/hall/$state", "ready"));
  for (const [count, faults] of [[2_000, 0], [2_001, 1]] as const) {
    const description = retained("homie/5/hall/$description", properties(count));
    assert.equal(take(convention, description), faults);
    assert.equal(told(), 2_000);
  }
});

Deno.test(
  "homie() is not held up by what is made to be expensive",
  { retry: TIMED_RETRIES },
  () => {
    const convention = homie("homie");
    const topics = [
      "homie/5/hall/$description",
      "homie/hall/$nodes",
      "homie/hall/main/one/$format",
    ];
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
  },
);

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
