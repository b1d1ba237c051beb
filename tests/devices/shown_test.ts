import assert from "node:assert/strict";
import { lineOf } from "../../lib/devices/shown.ts";

Deno.test("lineOf() says of a value whether its template has not been applied", () => {
  const entity = { name: "Boiler", kind: "sensor", unit: "°F" };
  const heard = { value: 10, receivedAt: 0, retain: false };
  const line = (read: object) => lineOf({ ...entity, read: { topic: "t", ...read } }, { heard });
  assert.equal(line({}), "Boiler: 10 °F");
  assert.equal(line({ converted: true }), "Boiler: 10 °F (unconverted)");
  assert.equal(lineOf({ ...entity, read: { topic: "t", converted: true } }, undefined), "Boiler");
});
