import assert from "node:assert/strict";
import type { Publication } from "../../lib/mqtt/link/link.ts";
import { findTool } from "../../lib/tools/catalogue.ts";
import { contextOf, limitsWith } from "./contexts.ts";

const limits = await limitsWith();

/** What is passed on of an argument `user_properties`. */
async function passedOn(
  text: string,
  more: object = {},
): Promise<Publication["properties"]> {
  const published: Publication[] = [];
  const args = { topic: "a", payload: "1", ...more, user_properties: JSON.parse(text) };
  await findTool("mqtt_publish")?.run(args, contextOf({ limits, published }));
  return published[0]?.properties;
}

Deno.test("user properties that say nothing are not passed on", async () => {
  for (const text of ["{}", '{"a": []}', '{"a": [], "__proto__": []}']) {
    assert.equal(await passedOn(text), undefined, text);
    assert.deepEqual(await passedOn(text, { content_type: "b" }), { contentType: "b" }, text);
  }
  assert.deepEqual(await passedOn('{"a": [], "b": ""}'), { userProperties: { b: "" } });
});

Deno.test("user properties are passed on by any name, __proto__ included", async () => {
  const text = '{"__proto__":"a","constructor":["b"],"toString":["c","d"],"":"","ü😀":"e"}';
  const { userProperties } = await passedOn(text) ?? {};
  assert.equal(JSON.stringify(userProperties), text);
  assert.equal(Object.getPrototypeOf(userProperties), Object.prototype);
});

Deno.test("user properties are a list of names and values, a name as often as it stands", async () => {
  const pair = (name: string, value: string): unknown => ({ name, value });
  const text = JSON.stringify([
    pair("a", "1"),
    pair("__proto__", "2"),
    pair("a", ""),
    pair("a", "3"),
  ]);
  const { userProperties } = await passedOn(text) ?? {};
  assert.equal(JSON.stringify(userProperties), '{"a":["1","","3"],"__proto__":"2"}');
  assert.equal(await passedOn("[]"), undefined);
});

Deno.test("user properties are strings or lists of strings, and not too many", async () => {
  const many = JSON.stringify({ a: new Array(1_000).fill("") });
  assert.ok(await passedOn(many));
  const refused: ReadonlyArray<readonly [string, RegExp]> = [
    ["5", /^user_properties must be a list of \{ name, value \}, got 5$/],
    ["null", /^user_properties must be a list of \{ name, value \}, got null$/],
    ['["a"]', /^user_properties\.0 must be \{ name, value \}, both strings, got the string "a"$/],
    ['[{"name": "a"}]', /^user_properties\.0 must be \{ name, value \}/],
    ['[{"name": "a", "value": 1}]', /^user_properties\.0 must be \{ name, value \}/],
    ['[{"name": "a", "value": "b", "c": "d"}]', /^user_properties\.0 must be \{ name, value \}/],
    ['{"a": 1}', /^user_properties\.a must be a string or a list of strings, got 1$/],
    ['{"a": null}', /^user_properties\.a must be/],
    ['{"a": "b", "c": [["d"]]}', /^user_properties\.c must be/],
    ['{"__proto__": {"a": "b"}}', /^user_properties\.__proto__ must be.*got \{"a":"b"\}$/],
    [JSON.stringify({ a: new Array(1_000).fill(""), b: "" }), /at most 1000 values/],
    ['{"a": ["\\u0000"]}', /user_properties must be text/],
    ['{"\\ud800": "a"}', /user_properties must be text/],
  ];
  for (const [text, message] of refused) {
    await assert.rejects(passedOn(text), { code: "invalid_argument", message }, text);
  }
});
