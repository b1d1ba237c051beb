import assert from "node:assert/strict";
import { ConfigError } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { compileSchema } from "../../lib/config/payload_schema.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What is wrong with each payload. */
function faults(schema: object, payloads: readonly string[]): Array<string | undefined> {
  const { faultOf } = compileSchema({ ...schema });
  return payloads.map((payload) => faultOf(bytes(payload)));
}

Deno.test("compileSchema() takes JSON by its value and other text as a string", () => {
  assert.deepEqual(
    faults({ type: "number", maximum: 30 }, ["21.5", "30.1", "on", '"21"', "null"]),
    [
      undefined,
      "must be <= 30",
      "must be number",
      "must be number",
      "must be number",
    ],
  );
  assert.deepEqual(faults({ enum: ["ON", "OFF"] }, ["ON", '"OFF"', "on"]), [
    undefined,
    undefined,
    'must be equal to one of the allowed values: ["ON","OFF"]',
  ]);
  const { faultOf } = compileSchema({ type: "string" });
  assert.equal(faultOf(new Uint8Array([0xFF])), "is binary, and must be text or JSON");
});

Deno.test("compileSchema() names the place and what is expected there", () => {
  const schema = {
    type: "object",
    properties: { valves: { type: "array", items: { type: "integer", minimum: 0 } } },
    additionalProperties: false,
  };
  assert.deepEqual(faults(schema, ['{"valves":[1,-2]}', '{"x":1}', '{"valves":[1]}']), [
    'at "/valves/1" must be >= 0',
    'must NOT have additional properties: "x"',
    undefined,
  ]);
});

Deno.test("compileSchema() names the property that is one too many", () => {
  const part = { properties: { a: {} } };
  assert.deepEqual(faults({ ...part, unevaluatedProperties: false }, ['{"a":1,"b":2}']), [
    'must NOT have unevaluated properties: "b"',
  ]);
  assert.match(
    faults({ propertyNames: { maxLength: 1 } }, ['{"long":1}'])[0] ?? "",
    /; property name must be valid: "long"$/,
  );
});

Deno.test("compileSchema() says of a choice all that would do", () => {
  assert.deepEqual(faults({ oneOf: [{ const: "on" }, { const: "off" }] }, ["up", "off"]), [
    'must be equal to constant: "on"; must be equal to constant: "off"; must match exactly one schema in oneOf',
    undefined,
  ]);
  const many = Array.from({ length: 1_000 }, (_, i) => ({ const: `${"x".repeat(300)}${i}` }));
  const [fault = ""] = faults({ anyOf: many }, ["up"]);
  assert.match(fault, /; …; must match a schema in anyOf$/);
  assert.ok(fault.length < 3_000);
});

Deno.test("compileSchema() takes decimal fractions for what they are", () => {
  assert.deepEqual(faults({ multipleOf: 0.1 }, ["0.3", "21.3", "1e300", "0.35"]), [
    undefined,
    undefined,
    undefined,
    "must be multiple of 0.1",
  ]);
  assert.deepEqual(faults({ multipleOf: 0.01 }, ["19.99", "4.35"]), [undefined, undefined]);
});

Deno.test("compileSchema() takes what JSON Schema 2020-12 allows and ajv finds strange", () => {
  const anchored = { $ref: "#level", $defs: { level: { $anchor: "level", type: "integer" } } };
  assert.deepEqual(faults(anchored, ["9", "x"]), [undefined, "must be integer"]);
  const twice = {
    properties: { ab: { type: "number" } },
    patternProperties: { "^a": { minimum: 1 } },
  };
  assert.deepEqual(faults(twice, ['{"ab":1}', '{"ab":0}']), [undefined, 'at "/ab" must be >= 1']);
});

Deno.test("compileSchema() follows $ref within the schema, and nowhere else", () => {
  const within = { $defs: { level: { type: "integer", maximum: 9 } }, $ref: "#/$defs/level" };
  assert.deepEqual(faults(within, ["9", "10"]), [undefined, "must be <= 9"]);
  for (const $ref of ["https://example.com/x.json", "file:///etc/passwd", "other.json"]) {
    assert.throws(() => compileSchema({ $ref }), /can't resolve reference/);
  }
});

Deno.test("compileSchema() refuses keywords that do not exist, and patterns that might not end", () => {
  assert.throws(() => compileSchema({ maximun: 3 }), /unknown keyword: "maximun"/);
  assert.throws(
    () => compileSchema({ properties: { a: { type: "nmber" } } }),
    /^Error: at "\/properties\/a\/type" must be equal to one of the allowed values: \["array",/,
  );
  for (const pattern of ["(?=a)b", "(a)\\1", "(", "a{5000}"]) {
    assert.throws(
      () => compileSchema({ type: "string", pattern }),
      /error parsing regexp/,
      pattern,
    );
  }
});

Deno.test("compileSchema() ends in time, whatever the pattern, the items and the payload", () => {
  const start = performance.now();
  const evil = "a".repeat(10_000);
  assert.deepEqual(faults({ type: "string", pattern: "^(a+)+$" }, [`${evil}!`, evil]), [
    'must match pattern "^(a+)+$"',
    undefined,
  ]);
  const texts = JSON.stringify(Array.from({ length: 4 }, () => evil));
  assert.deepEqual(faults({ items: { type: "string", pattern: "^(a{0,500})+$" } }, [texts, "[]"]), [
    "has more than 16384 characters of text to be matched against patterns",
    undefined,
  ]);
  const many = Array.from({ length: 30_000 }, (_, i) => i);
  assert.deepEqual(
    faults({ uniqueItems: true }, [JSON.stringify(many), JSON.stringify([...many, 7]), "[1,1.0]"]),
    [undefined, "must have no item twice", "must have no item twice"],
  );
  // Backtracking, or comparing each with each, would take much longer than anything a busy machine does.
  assert.ok(performance.now() - start < 30_000);
});

Deno.test("loadConfig() places what is wrong with a schema, beside all other faults", async () => {
  const text = `{
  "topics": [
    { "pattern": "a", "permissions": ["write"], "payload": { "schema": { "typ": 1 } } },
    { "pattern": "b", "permissions": ["write"], "rate": { "messages": 0, "seconds": 1 } }
  ]
}`;
  const effects = { readTextFile: () => Promise.resolve(text), env: () => undefined };
  await assert.rejects(loadConfig({ path: "/c.json", effects }), {
    message: [
      '/c.json:3:72: topics[0].payload.schema: is no JSON Schema that can be used: strict mode: unknown keyword: "typ"',
      "/c.json:4:71: topics[1].rate.messages: must be an integer from 1 to 1000000, not 0",
    ].join("\n"),
  });
});

Deno.test("compileSchema() keeps patterns apart", () => {
  const schema = {
    properties: { a: { pattern: "^x$" }, b: { pattern: "^y$" } },
    patternProperties: { "^z": false },
  };
  assert.deepEqual(
    faults(schema, ['{"a":"x","b":"y"}', '{"a":"y"}', '{"b":"x"}', '{"zz":1}']),
    [
      undefined,
      'at "/a" must match pattern "^x$"',
      'at "/b" must match pattern "^y$"',
      'at "/zz" boolean schema is false',
    ],
  );
});

Deno.test("loadConfig() compiles the schemas of each client's own rules, and checks them as those at the top", async () => {
  const load = (rule: object): ReturnType<typeof loadConfig> => {
    const kdf = { salt: "AAAA", hash: "AAAA" };
    const oauth = { issuer: "https://a", audience: "https://b", scopes: { s: { topics: [rule] } } };
    const keys = [{ name: "a", api_key_kdf: kdf, topics: [rule] }];
    const text = JSON.stringify({ remote_server: { keys, oauth } });
    const effects = { readTextFile: () => Promise.resolve(text), env: () => undefined };
    return loadConfig({ path: "/c.json", effects });
  };
  const rule = { pattern: "t/#", permissions: ["write"] };
  const { remoteServer } = await load({ ...rule, payload: { schema: { type: "number" } } });
  for (const one of [remoteServer?.keys[0], remoteServer?.oauth?.scopes.s]) {
    const [{ payload } = {}] = one?.topics ?? [];
    assert.equal(payload?.schema?.faultOf(bytes("on")), "must be number");
    assert.deepEqual(payload?.schema?.json, { type: "number" });
  }
  const faults = async (one: object): Promise<string[]> => {
    const error = await load(one).then(() => undefined, (cause) => cause);
    assert.ok(error instanceof ConfigError);
    return error.faults.map(({ path, message }) =>
      `${path}: ${message}`.slice(0, path.length + 29).trimEnd()
    );
  };
  const places = ["remote_server.keys[0].topics[0]", "remote_server.oauth.scopes.s.topics[0]"];
  assert.deepEqual(
    await faults({ ...rule, payload: { schema: { typ: 1 } } }),
    places.map((one) => `${one}.payload.schema: is no JSON Schema that can`),
  );
  assert.deepEqual(
    await faults({ pattern: "t/#" }),
    places.map((one) => `${one}: must have "read" or "write"`),
  );
});
