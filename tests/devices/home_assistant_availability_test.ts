import assert from "node:assert/strict";
import type { Json } from "../../lib/messages/json.ts";
import { type Config, only } from "./discovery.ts";

function onlineOf(config: Config) {
  return only({ state_topic: "s", ...config }).description?.online;
}

Deno.test("homeAssistant() reads availability in all its forms", () => {
  const sign = (topic: string, more: Config = {}) => ({
    topic,
    yes: ["online"],
    no: ["offline"],
    ...more,
  });
  assert.equal(onlineOf({}), undefined);
  assert.equal(onlineOf({ availability: [] }), undefined);
  assert.equal(onlineOf({ availability: null }), undefined);
  assert.deepEqual(onlineOf({ avty_t: "a" }), { mode: "latest", topics: [sign("a")] });
  assert.deepEqual(
    onlineOf({ avty_t: "a", pl_avail: true, pl_not_avail: 0, avty_tpl: "{{ value_json.x.y }}" }),
    { mode: "latest", topics: [{ topic: "a", path: "/x/y", yes: ["true"], no: ["0"] }] },
  );
  for (const mode of ["all", "any", "latest", "x", 7, null]) {
    const expected = mode === "all" || mode === "any" ? mode : "latest";
    assert.deepEqual(onlineOf({ availability: [{ topic: "a" }, { t: "b" }], avty_mode: mode }), {
      mode: expected,
      topics: [sign("a"), sign("b")],
    });
  }
  // Payloads beside a list are none of its.
  assert.deepEqual(onlineOf({ availability: { topic: "a" }, payload_available: "x" }), {
    mode: "latest",
    topics: [sign("a")],
  });
  assert.deepEqual(onlineOf({ avty_t: "a", pl_avail: null }), {
    mode: "latest",
    topics: [sign("a", { yes: [] })],
  });
});

Deno.test("homeAssistant() reads a sign whose template is a choice, as those of zwave-js-ui", () => {
  const topicsOf = (...availability: Json[]) => {
    const online = onlineOf({ availability });
    return typeof online === "object" ? online.topics : undefined;
  };
  const value = { topic: "a", path: "/value" };
  assert.deepEqual(
    topicsOf(
      {
        payload_available: "true",
        payload_not_available: "false",
        topic: "a",
        value_template: "{{'true' if value_json.value else 'false'}}",
      },
      { topic: "a", value_template: "{{'online' if value_json.value else 'offline'}}" },
      { topic: "a", value_template: "{{ 'offline' if value_json.value else 'online' }}" },
      { topic: "a", value_template: "{{ 'up' if value_json.value else 'down' }}" },
      { topic: "a", value_template: "{{ 'online' if value_json.value else 'down' }}" },
      { topic: "a", value_template: "{{ 'down' if value_json.value else 'online' }}" },
      { topic: "a", value_template: "{{ 'offline' if value_json.value else 'down' }}" },
      { topic: "a", value_template: "{{ value_json.value | lower }}" },
      { topic: "a", value_template: "{{ now() }}" },
    ),
    [
      { ...value, yes: ["true"], no: ["false"] },
      { ...value, yes: ["true"], no: ["false"] },
      { ...value, yes: ["false"], no: ["true"] },
      { ...value, yes: [], no: [] },
      { ...value, yes: [], no: [] },
      { ...value, yes: [], no: [] },
      { ...value, yes: [], no: [] },
      { ...value, yes: [], no: [] },
      { topic: "a", yes: [], no: [] },
    ],
  );
});

Deno.test("homeAssistant() says nothing of availability that it could not read whole", () => {
  for (
    const config of [
      { availability: [{ topic: "a" }, { topic: "a/#" }] },
      { availability: [{ topic: "a" }, {}] },
      { availability: [{ topic: "a" }, "b"] },
      { availability: [{ topic: "a" }], availability_topic: "+" },
      { availability: [{ topic: "a", payload_available: ["x"] }] },
    ]
  ) {
    const { description } = only({ state_topic: "s", ...config });
    assert.equal(description?.entities.length, 1);
    if (!JSON.stringify(config).includes('["x"]')) assert.equal(description?.online, undefined);
  }
  const many = Array.from({ length: 11 }, (_, index) => ({ topic: `${index}` }));
  assert.equal(onlineOf({ availability: many }), undefined);
  assert.notEqual(onlineOf({ availability: many.slice(1) }), undefined);
});
