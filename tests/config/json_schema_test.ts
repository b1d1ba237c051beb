import assert from "node:assert/strict";
import { configJsonSchema } from "../../lib/config/json_schema.ts";
import { isRecord, type Path, valueAt } from "../../lib/config/path.ts";

const schema = configJsonSchema();
const at = (path: Path): unknown => valueAt(schema, path);

Deno.test("configJsonSchema() is of draft 2020-12 and closed", () => {
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assert.equal(schema.additionalProperties, false);
  assert.equal(schema.required, undefined);
});

Deno.test("configJsonSchema() describes every key", () => {
  const undescribed: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (!isRecord(node)) return;
    for (const [key, child] of Object.entries(isRecord(node.properties) ? node.properties : {})) {
      if (!isRecord(child) || typeof child.description !== "string") {
        undescribed.push(`${path}.${key}`);
      }
    }
    for (const [key, child] of Object.entries(node)) {
      if (Array.isArray(child)) child.forEach((item) => visit(item, `${path}.${key}`));
      else visit(child, `${path}.${key}`);
    }
  };
  visit(schema, "");
  assert.deepEqual(undescribed, []);
});

Deno.test("configJsonSchema() has the bounds and defaults", () => {
  const port = at(["properties", "mqtt", "properties", "port"]);
  assert.deepEqual([
    valueAt(port, ["type"]),
    valueAt(port, ["minimum"]),
    valueAt(port, ["maximum"]),
  ], [
    "integer",
    1,
    65_535,
  ]);
  assert.equal(at(["properties", "limits", "properties", "max_timeout", "default"]), 300);
  assert.deepEqual(at(["properties", "topics", "items", "required"]), ["pattern"]);
});

Deno.test("configJsonSchema() takes a log level in any case", () => {
  const pattern = at(["properties", "logging", "properties", "level", "pattern"]);
  assert.ok(new RegExp(String(pattern)).test("Warning"));
  assert.ok(!new RegExp(String(pattern)).test("warn"));
});
