import assert from "node:assert/strict";
import * as fc from "fast-check";
import { McpMqttError } from "../../lib/errors.ts";
import { compileWhere, type Where, WHERE_OPERATORS } from "../../lib/messages/where.ts";

function holds(where: Where, payload: string | Uint8Array): boolean {
  return compileWhere(where)(message(payload));
}

function message(payload: string | Uint8Array, topic = "t"): Parameters<
  ReturnType<typeof compileWhere>
>[0] {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return { topic, payload: bytes, qos: 0, retain: false, receivedAt: 0 };
}

Deno.test("compileWhere() compares by each operator, text that reads as a number as that number", () => {
  const cases: ReadonlyArray<readonly [string, Where["op"], unknown, string, boolean]> = [
    ["", "gt", 20, "22.5", true],
    ["", "gt", 22.5, "22.5", false],
    ["", "ge", "22.5", "22.50", true],
    ["", "lt", 20, '"19"', true],
    ["", "lt", 20, "warm", false],
    ["", "lt", 20, "", false],
    ["", "le", 20, "0x10", false],
    ["", "le", 20, "-1e2", true],
    ["/a", "lt", 20, '{"a": "3"}', true],
    ["/a", "lt", 20, '{"a": null}', false],
    ["/a", "lt", 20, '{"a": true}', false],
    ["/a", "lt", 20, '{"b": 3}', false],
    ["/a/1/b", "eq", "x", '{"a": [0, {"b": "x"}]}', true],
    ["/a/-", "exists", undefined, '{"a": [0]}', false],
    ["/a/00", "exists", undefined, '{"a": [0]}', false],
    ["/a~1b/~0", "eq", 1, '{"a/b": {"~": 1}}', true],
    ["/", "eq", 1, '{"": 1}', true],
    ["/toString", "exists", undefined, "{}", false],
    ["/length", "exists", undefined, '"text"', false],
    ["", "eq", "on", "on", true],
    ["", "eq", "on", '"on"', true],
    ["", "eq", true, "true", true],
    ["", "eq", 1, "1.0", true],
    ["", "eq", { b: 1, a: [2] }, '{"a": [2], "b": 1}', true],
    ["", "ne", "on", "off", true],
    ["/a", "ne", 1, "{}", false],
    ["/a", "ne", null, '{"a": 0}', true],
    ["/a", "exists", undefined, '{"a": null}', true],
    ["", "contains", "err", "an error", true],
    ["", "contains", "a", '{"a": 1}', true],
    ["/tags", "contains", "x", '{"tags": ["x"]}', true],
    ["/tags", "contains", 5, '{"tags": ["5"]}', true],
    ["/tags", "contains", "y", '{"tags": ["x"]}', false],
    ["/none", "contains", "y", "{}", false],
    ["/a", "contains", null, '{"a": null}', true],
    ["/a", "contains", { a: 1 }, '{"a": [{"a": 1.0}]}', true],
    ["/a", "contains", {}, '{"a": "[object Object]"}', false],
    ["", "contains", ["x"], "x", false],
    ["", "eq", null, "null", true],
    ["", "eq", null, "[1e999]", false],
    ["/__proto__", "eq", 1, '{"__proto__": 1}', true],
    ["/__proto__", "exists", undefined, "{}", false],
    ["", "eq", JSON.parse('{"__proto__": 1}'), '{"__proto__": 1}', true],
    ["", "eq", JSON.parse('{"__proto__": 1}'), "{}", false],
    ["", "lt", 5, `${" ".repeat(2_000)}1`, true],
    ["", "lt", 5, `"${" ".repeat(2_000)}1"`, false],
    ["", "lt", 5, "1 2", false],
    ["", "lt", 5, "-", false],
  ];
  for (const [path, op, value, payload, expected] of cases) {
    const where = { path, op, ...(value === undefined ? {} : { value }) };
    assert.equal(holds(where, payload), expected, JSON.stringify([where, payload]));
  }
  assert.equal(holds({ path: "", op: "exists" }, new Uint8Array([0xFF])), false);
  assert.ok(compileWhere(undefined)(message("anything")));
});

Deno.test("compileWhere() changed compares with the message before on the same topic", () => {
  const changed = compileWhere({ path: "/on", op: "changed" });
  const said = [["a", "1"], ["a", "1"], ["b", "2"], ["a", "2"], ["a", "2"], ["b", "2"], ["b", "1"]];
  const held = said.map(([topic, on]) => changed(message(`{"on": ${on}, "n": 1}`, topic)));
  assert.deepEqual(held, [false, false, false, true, false, false, true]);
  const whole = compileWhere({ path: "", op: "changed" });
  assert.equal(whole(message('{"a": 1, "b": 2}')), false);
  assert.equal(whole(message('{"b": 2, "a": 1.0}')), false);
});

Deno.test("compileWhere() takes JSON that is nested without end for the text that it is", () => {
  const deep = "[".repeat(500_000) + "]".repeat(500_000);
  const changed = compileWhere({ path: "", op: "changed" });
  assert.deepEqual([deep, deep, "1", deep].map((text) => changed(message(text))), [
    false,
    false,
    true,
    true,
  ]);
  assert.equal(holds({ path: "/0", op: "exists" }, deep), false);
});

Deno.test("compileWhere() refuses a wrong pointer or value, and says what would be right", () => {
  const wrong: ReadonlyArray<readonly [Where, RegExp]> = [
    [{ path: "battery", op: "eq", value: 1 }, /where\.path "battery" is not a JSON Pointer/],
    [{ path: "/~2", op: "eq", value: 1 }, /not a JSON Pointer/],
    [{ path: "", op: "eq" }, /"eq" needs a where\.value/],
    [{ path: "", op: "changed", value: 1 }, /"changed" takes no where\.value/],
    [{ path: "", op: "lt", value: "x" }, /must be a number for where\.op "lt", got "x"/],
    [{ path: "", op: "lt", value: null }, /must be a number/],
  ];
  for (const [where, pattern] of wrong) {
    assert.throws(() => compileWhere(where), (error) => {
      assert.ok(error instanceof McpMqttError && error.code === "invalid_argument");
      assert.match(error.message, pattern);
      return true;
    });
  }
});

Deno.test("compileWhere() takes a value with any names for the data that it is", () => {
  const value = JSON.parse(
    '{"toString": null, "valueOf": null, "toJSON": null, "__proto__": null}',
  );
  for (const op of ["eq", "ne", "contains"] as const) {
    const test = compileWhere({ path: "", op, value });
    for (const payload of ["on", "1", "{}", "[1]", "null", '{"toString": null}', "\xff"]) {
      assert.equal(test(message(payload)), op === "ne", `${op} ${payload}`);
    }
  }
  const same = JSON.stringify(value);
  assert.equal(holds({ path: "", op: "eq", value }, same), true);
  assert.equal(holds({ path: "", op: "contains", value }, `[1, ${same}]`), true);
  assert.equal(holds({ path: "", op: "contains", value: "toString" }, same), true);
});

Deno.test("compileWhere() refuses a value that is no bounded JSON", () => {
  const deep = JSON.parse("[".repeat(5_000) + "]".repeat(5_000));
  for (const value of [deep, () => 1, { a: 1n }, new Array(300_000).fill(0)]) {
    for (const op of ["eq", "ne", "contains", "lt"] as const) {
      assert.throws(
        () => compileWhere({ path: "", op, value }),
        (error) => error instanceof McpMqttError && error.code === "invalid_argument",
      );
    }
  }
});

Deno.test("compileWhere() makes a test that never throws, as a law", () => {
  const names = fc.constantFrom("a", "0", "toString", "valueOf", "__proto__", "length", "");
  const { tree: json } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, true, 0, -0, 1e300, 5, "", "5", "a", "\ud800"),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.array(fc.tuple(names, tie("tree")), { maxLength: 3 })
        .map((members) =>
          JSON.parse(`{${members.map(([name, value]) => `"${name}":${JSON.stringify(value)}`)}}`)
        ),
    ),
  }));
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    json.map((value) => new TextEncoder().encode(JSON.stringify(value))),
    fc.constantFrom("1e999", "[-0]", "{", "nul", "\ufeff1", `${"[".repeat(70)}${"]".repeat(70)}`)
      .map((text) => new TextEncoder().encode(text)),
  );
  const path = fc.array(names).map((some) => some.map((name) => `/${name}`).join(""));
  const op = fc.constantFrom(...WHERE_OPERATORS);
  fc.assert(
    fc.property(payload, payload, path, op, json, (first, second, path, op, value) => {
      let test: ReturnType<typeof compileWhere>;
      try {
        const takesValue = op !== "exists" && op !== "changed";
        test = compileWhere({ path, op, ...(takesValue ? { value } : {}) });
      } catch (error) {
        assert.ok(error instanceof McpMqttError && error.code === "invalid_argument");
        return;
      }
      for (const one of [first, second]) assert.equal(typeof test(message(one)), "boolean");
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("compileWhere() words its errors in well-formed Unicode", () => {
  for (const value of ["😀".repeat(100), `x${"😀".repeat(100)}`]) {
    for (const where of [{ path: "", op: "lt", value }, { path: value, op: "exists" }] as const) {
      assert.throws(() => compileWhere(where), (error) => {
        assert.ok(error instanceof McpMqttError);
        return error.message.isWellFormed();
      });
    }
  }
});

Deno.test("compileWhere() takes a payload of more than 256 KiB for the text that it is", () => {
  const long = `{"a": "${"x".repeat(256 * 1024)}", "b": "error"}`;
  assert.equal(holds({ path: "/b", op: "exists" }, long), false);
  assert.equal(holds({ path: "", op: "exists" }, long), true);
  assert.equal(holds({ path: "", op: "eq", value: long }, long), true);
  assert.equal(holds({ path: "", op: "contains", value: "error" }, long), true);
  assert.equal(holds({ path: "", op: "contains", value: "warning" }, long), false);
  // Of what is longer still, the first MiB is searched.
  const longer = "x".repeat(1024 * 1024);
  assert.equal(holds({ path: "", op: "contains", value: "yz" }, `${longer.slice(2)}yz`), true);
  assert.equal(holds({ path: "", op: "contains", value: "yz" }, `${longer.slice(1)}yz`), false);
});

Deno.test("compileWhere() changed sees a change of any payload, binary and large ones included", () => {
  const changed = compileWhere({ path: "", op: "changed" });
  const large = (last: string): string => "x".repeat(300_000) + last;
  const long = (last: string): string => `["${"x".repeat(300)}${last}"]`;
  const said: ReadonlyArray<readonly [string | Uint8Array, boolean]> = [
    [new Uint8Array([0xFF, 1]), false],
    [new Uint8Array([0xFF, 2]), true],
    [new Uint8Array([0xFF, 2]), false],
    [large("a"), true],
    [large("b"), true],
    [large("b"), false],
    [long("a"), true],
    [long("a"), false],
    [long("b"), true],
    ["on", true],
    ['"on"', false],
    ["1", true],
    ['"1"', false],
    ["1.0", false],
    ["1", false],
  ];
  const seen = said.map(([payload]) => changed(message(payload)));
  assert.deepEqual(seen, said.map(([, expected]) => expected));
});

Deno.test("compileWhere() changed takes numbers, and texts that read as such, for what they are", () => {
  const said: ReadonlyArray<readonly [string, boolean]> = [
    ["1700000000000000001", false],
    ["1700000000000000002", true],
    ["1700000000000000002", false],
    ["0.1", true],
    ['"0.1"', false],
    ["+1e-1", false],
    ['" 0.10 "', false],
    ["0", true],
    ["-0.0", false],
    ['"12345678901234567890"', true],
    ['"12345678901234567891"', true],
  ];
  const places: ReadonlyArray<readonly [string, (text: string) => string]> = [
    ["", (text) => text],
    ["/at", (text) => `{"at": ${text.replace(/^\+.*/, '"$&"')}}`],
  ];
  for (const [path, payload] of places) {
    const changed = compileWhere({ path, op: "changed" });
    const seen = said.map(([text]) => [text, changed(message(payload(text)))]);
    assert.deepEqual(seen, said, path);
  }
  const whole = compileWhere({ path: "", op: "changed" });
  assert.equal(whole(message('{"at": 1700000000000000001, "t": 0}')), false);
  assert.equal(whole(message('{"at": 1700000000000000002, "t": 0}')), true);
  assert.equal(whole(message('{"t": -0.0, "at": 1700000000000000002}')), false);
});

Deno.test("compileWhere() changed remembers a bounded number of topics, the last ones", () => {
  const changed = compileWhere({ path: "", op: "changed" });
  const topic = (i: number): string => `${i}`.padEnd(30_000, "x");
  for (let i = 0; i < 100; i++) changed(message("1", topic(i)));
  // 4 MiB are no more than 70 names of 60 KB.
  const remembered = Array.from({ length: 100 }, (_, i) => i)
    .filter((i) => changed(message("2", topic(99 - i))));
  assert.ok(remembered.length > 50 && remembered.length <= 70, `${remembered.length}`);
  assert.ok(remembered.every((i) => i < 70));
});
