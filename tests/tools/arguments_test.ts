import assert from "node:assert/strict";
import * as fc from "fast-check";
import { McpMqttError } from "../../lib/errors.ts";
import { parseArguments } from "../../lib/tools/arguments.ts";
import { offeredTools } from "../../lib/tools/catalogue.ts";
import { contextOf, limitsWith } from "./contexts.ts";

const limits = await limitsWith();

/** The error of a call that must not get through its arguments. */
function refused(name: string, args: unknown): McpMqttError {
  const tool = offeredTools({ readOnly: false }).find((one) => one.name === name);
  assert.ok(tool);
  try {
    parseArguments(tool.input(limits), args);
  } catch (error) {
    assert.ok(error instanceof McpMqttError, `${error}`);
    assert.equal(error.code, "invalid_argument");
    return error;
  }
  throw new Error(`${name} took ${JSON.stringify(args).slice(0, 200)}`);
}

const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));

Deno.test("parseArguments() refuses arguments of any tool that are nested too deep or have too many parts", () => {
  const tools = offeredTools({ readOnly: false });
  assert.ok(tools.length >= 9);
  for (const { name, input } of tools) {
    for (const argument of [...Object.keys(input(limits).shape), "other"]) {
      const deep = refused(name, { [argument]: nested(3_000) });
      assert.equal(deep.message, `${argument} is nested deeper than 64 levels`);
      const wide = refused(name, { [argument]: { a: new Array(300_000).fill(1) } });
      assert.equal(wide.message, `${argument} has more than 262144 values`);
    }
  }
});

Deno.test("parseArguments() takes a payload and a value of 64 levels, as they are shown", () => {
  const [publish, subscribe] = ["mqtt_publish", "mqtt_subscribe"].map((name) => {
    const tool = offeredTools({ readOnly: false }).find((one) => one.name === name);
    assert.ok(tool);
    return tool.input(limits);
  });
  assert.ok(publish && subscribe);
  const payload = nested(64);
  assert.equal(parseArguments(publish, { topic: "a", payload }).payload, payload);
  refused("mqtt_publish", { topic: "a", payload: nested(65) });
  const where = { path: "", op: "eq", value: nested(63) };
  assert.deepEqual(parseArguments(subscribe, { topic: "a", where }).where, where);
});

Deno.test("parseArguments() refuses __proto__ as an argument, and takes it for data elsewhere", () => {
  const parse = (text: string): unknown => JSON.parse(text);
  const unknown: ReadonlyArray<readonly [string, string]> = [
    ["mqtt_status", '{"__proto__": null}'],
    ["mqtt_publish", '{"topic": "a", "payload": 1, "__proto__": {"qos": 1}}'],
    [
      "mqtt_publish",
      '{"topic": "a", "payload": 1, "correlation_data": {"base64": "", "__proto__": 1}}',
    ],
    ["mqtt_read", '{"topic": "a", "where": {"path": "", "op": "exists", "__proto__": 1}}'],
  ];
  for (const [name, text] of unknown) {
    assert.match(
      refused(name, parse(text)).message,
      /unknown argument "__proto__"|must be a string/,
    );
  }
  // Given by a prototype is not given.
  assert.match(
    refused("mqtt_watch_stop", Object.create({ watch_id: "w1" })).message,
    /one JSON object/,
  );
  assert.match(refused("mqtt_watch_stop", new Date()).message, /one JSON object/);
  assert.match(refused("mqtt_watch_stop", [{ watch_id: "w1" }]).message, /one JSON object/);
  assert.match(
    refused("mqtt_watch_stop", "w1").message,
    /must be one JSON object, got the string "w1"/,
  );
});

Deno.test("parseArguments() takes no more room for an error than it needs, whatever the arguments", () => {
  const long = "x".repeat(1_000_000);
  const errors = [
    refused("mqtt_publish", { topic: "a", payload: "", [long]: 1 }),
    refused("mqtt_publish", { topic: "a", payload: "", user_properties: { [long]: 1 } }),
    refused("mqtt_publish", {
      topic: "a",
      payload: "",
      correlation_data: { base64: long, [long]: 1 },
    }),
    refused("mqtt_subscribe", { topic: new Array(100_000).fill(1) }),
    refused("mqtt_subscribe", { topic: "a", where: { path: "", op: long } }),
    refused(
      "mqtt_subscribe",
      { topic: "a", ...Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`k${i}`, 1])) },
    ),
    refused(
      "mqtt_subscribe",
      Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 1])),
    ),
    refused("mqtt_subscribe", { topic: "a", [long]: nested(65) }),
  ];
  for (const { message, hint } of errors) {
    assert.ok(message.length < 600, message.slice(0, 700));
    assert.ok((hint ?? "").length < 300);
  }
  assert.match(errors[5]?.message ?? "", /"k0", "k1", "k2", "k3", "k4" and 94 more/);
  assert.equal(errors[6]?.message, "there are 100000 arguments, and no tool has so many");
  const many = {
    topic: 1,
    timeout: "",
    max_messages: 0.5,
    include_retained: 1,
    where: { path: 1 },
  };
  const { message } = refused("mqtt_subscribe", many);
  assert.match(message, /^topic .*; timeout .*; 1 more faults$/);
  assert.equal(message.split("; ").length, 6);
});

Deno.test("parseArguments() words its errors in well-formed Unicode", () => {
  const lone = "\ud83d";
  const cut = `${"x".repeat(78)}😀`;
  for (const name of [lone, cut]) {
    for (
      const args of [
        { topic: "a", payload: "", [name]: 1 },
        { topic: "a", payload: "", user_properties: { [name]: 1 } },
        { topic: "a", payload: "", [name]: nested(65) },
        { topic: "a", payload: "", encoding: name },
        { topic: "a", payload: "", qos: name },
      ]
    ) {
      const { message, hint } = refused("mqtt_publish", args);
      assert.ok(message.isWellFormed() && hint?.isWellFormed(), JSON.stringify(message));
    }
  }
});

Deno.test("parseArguments() throws nothing but what it should, whatever the arguments, as a law", () => {
  const names = fc.constantFrom(
    "topic",
    "payload",
    "where",
    "user_properties",
    "__proto__",
    "value",
  );
  const value = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, 1, -0, Infinity, NaN, "", "a", "\ud800", true, undefined, 1n),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.array(fc.tuple(names, tie("tree")), { maxLength: 4 }).map((members) => {
        const object = {};
        for (const [name, value] of members) {
          Object.defineProperty(object, name, { value, enumerable: true, configurable: true });
        }
        return object;
      }),
    ),
  })).tree;
  const tool = fc.constantFrom(...offeredTools({ readOnly: false }));
  fc.assert(fc.property(tool, value, ({ input }, args) => {
    try {
      parseArguments(input(limits), args);
    } catch (error) {
      assert.ok(error instanceof McpMqttError && error.code === "invalid_argument", `${error}`);
      assert.ok(error.message.isWellFormed());
    }
  }));
});

Deno.test("a tool is not begun with arguments that are too much", () => {
  const publish = offeredTools({ readOnly: false }).find(({ name }) => name === "mqtt_publish");
  const published: never[] = [];
  const context = contextOf({ limits, published });
  assert.throws(
    () => publish?.run({ topic: "a", payload: nested(3_000) }, context),
    (error) => error instanceof McpMqttError && error.code === "invalid_argument",
  );
  assert.deepEqual(published, []);
});
