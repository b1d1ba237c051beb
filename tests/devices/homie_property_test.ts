import assert from "node:assert/strict";
import { homie } from "../../lib/devices/homie.ts";
import { fifth, fourth, READ, SET, SET_5 } from "./homie_messages.ts";
import { devicesOf, retained, take } from "./taking.ts";

Deno.test("homie() gives each data type of Homie 4 a kind and a command", () => {
  const one = { name: "one", read: READ };
  const settable = { "$settable": "true" };
  const cases: Array<[attributes: Record<string, string>, entity: object]> = [
    [{ "$datatype": "boolean" }, { kind: "binary_sensor" }],
    [{ "$datatype": "boolean", "$format": "no,yes", ...settable }, {
      kind: "switch",
      writes: [{ ...SET, values: { on: "true", off: "false" } }],
    }],
    [{ "$datatype": "boolean", "$retained": "false", ...settable }, {
      kind: "button",
      writes: [{ ...SET, values: { press: "true" } }],
    }],
    [{ "$datatype": "boolean", "$retained": "false" }, { kind: "event" }],
    [{ "$datatype": "integer", "$settable": "false" }, { kind: "sensor" }],
    [{ "$datatype": "integer", "$format": "-5:", ...settable }, {
      kind: "number",
      writes: [{ ...SET, min: -5 }],
    }],
    [{ "$datatype": "float", "$format": "nonsense", ...settable }, {
      kind: "number",
      writes: [SET],
    }],
    [{ "$datatype": "enum", "$format": "a,b", "$retained": "false", ...settable }, {
      kind: "select",
      writes: [{ ...SET, options: ["a", "b"] }],
    }],
    [{ "$datatype": "enum", ...settable }, { kind: "select", writes: [SET] }],
    [{ "$datatype": "enum", "$format": `a,\u202e,${"x".repeat(101)}`, ...settable }, {
      kind: "select",
      writes: [{ ...SET, options: ["a"] }],
    }],
    [{ "$datatype": "color", "$format": "hsv", ...settable }, {
      kind: "text",
      writes: [{ ...SET, example: "30,100,100" }],
    }],
    [{ "$datatype": "color", "$format": "constructor", ...settable }, {
      kind: "text",
      writes: [SET],
    }],
    [{ "$datatype": "constructor", ...settable }, { kind: "text", writes: [SET] }],
    [{ "$datatype": "string", "$unit": "\u0007" }, { kind: "sensor", unit: "\\u0007" }],
  ];
  for (const [attributes, entity] of cases) {
    assert.deepEqual(fourth(attributes), { ...one, ...entity }, JSON.stringify(attributes));
  }
});

Deno.test("homie() gives what is new in Homie 5 a kind and a command", () => {
  const one = { name: "one", read: { topic: "homie/5/hall/main/one" } };
  const settable = true;
  const cases: Array<[property: object, entity: object]> = [
    [{ datatype: "datetime", settable }, {
      kind: "text",
      writes: [{ ...SET_5, example: "2026-01-31T12:00:00Z" }],
    }],
    [{ datatype: "duration", settable }, {
      kind: "text",
      writes: [{ ...SET_5, example: "PT1H30M" }],
    }],
    [{ datatype: "json", settable }, { kind: "text", writes: [{ ...SET_5, payload: "json" }] }],
    [{ datatype: "color", format: "xyz,rgb", settable }, {
      kind: "text",
      writes: [{ ...SET_5, example: "xyz,0.25,0.34" }],
    }],
    [{ datatype: "integer", format: ":10:2", settable }, {
      kind: "number",
      writes: [{ ...SET_5, max: 10, step: 2 }],
    }],
    [{ datatype: "integer", format: "::0", settable }, { kind: "number", writes: [SET_5] }],
    [{ datatype: "integer", format: "1:2:3:4", settable }, { kind: "number", writes: [SET_5] }],
    [{ datatype: "boolean", format: "same,same", settable }, {
      kind: "switch",
      writes: [{ ...SET_5, values: { on: "true", off: "false" } }],
    }],
    [{ datatype: "boolean", format: "a,b,c", settable }, {
      kind: "switch",
      writes: [{ ...SET_5, values: { on: "true", off: "false" } }],
    }],
    [{ datatype: "boolean", format: "on,off", settable }, {
      kind: "switch",
      writes: [{ ...SET_5, values: { on: "false", off: "true" } }],
    }],
    [{ datatype: "boolean", format: "stop,go", settable, retained: false }, {
      kind: "button",
      writes: [{ ...SET_5, values: { press: "true", go: "true", stop: "false" } }],
    }],
    [{ datatype: "boolean", format: 7, settable: 1, retained: 0 }, {
      kind: "binary_sensor",
    }],
    [{ datatype: "float", retained: false }, { kind: "event" }],
  ];
  for (const [property, entity] of cases) {
    assert.deepEqual(fifth(property), { ...one, ...entity }, JSON.stringify(property));
  }
  const values = fifth({ datatype: "boolean", format: "__proto__,on", settable });
  assert.equal(
    JSON.stringify(values).includes('"values":{"on":"true","off":"false","__proto__":"false"}'),
    true,
  );
});

Deno.test("homie() names entities after their properties, and more if several are named alike", () => {
  const convention = homie("homie");
  const property = { on: { name: "On", datatype: "boolean" } };
  take(
    convention,
    retained("homie/5/hall/$state", "ready"),
    retained(
      "homie/5/hall/$description",
      JSON.stringify({
        homie: "5.1",
        nodes: {
          a: { name: "Relay", properties: property },
          b: { name: "Relay", properties: property },
          c: { properties: { ...property, level: { datatype: "float" } } },
        },
      }),
    ),
  );
  const { name, entities = [] } = devicesOf(convention)["hall"] ?? {};
  assert.equal(name, undefined);
  assert.deepEqual(
    entities.map((entity) => entity.name),
    ["Relay On (a/on)", "Relay On (b/on)", "c On", "level"],
  );
});
