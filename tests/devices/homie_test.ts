import assert from "node:assert/strict";
import fc from "fast-check";
import type { Convention, Description } from "../../lib/devices/device.ts";
import { homie } from "../../lib/devices/homie.ts";
import type { Message } from "../../lib/messages/message.ts";
import { intersect, matches, parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { five, four } from "./homie_messages.ts";
import { retainedOf } from "./recordings.ts";
import { devicesOf, entitiesOf, retained, take } from "./taking.ts";

/** What a client gets of a recording that its filters ask for. */
async function described(name: string, { filters }: Convention): Promise<Message[]> {
  const parsed = filters.map(parseTopicFilter);
  return (await retainedOf(name))
    .filter(({ topic }) => parsed.some((filter) => matches(filter, topic)))
    .map(({ topic, payload }) => retained(topic, payload));
}

async function recorded(name: string): Promise<Record<string, Description>> {
  const convention = homie("homie");
  assert.equal(take(convention, ...await described(name, convention)), 0);
  return devicesOf(convention);
}

Deno.test("homie() asks for the attributes that it names, and no two of its filters overlap", () => {
  const { filters, source, isCumulative } = homie("homie");
  assert.equal(source, "homie");
  assert.equal(isCumulative, false);
  assert.deepEqual(filters, [
    "homie/+/$homie",
    "homie/+/$name",
    "homie/+/$state",
    "homie/+/$nodes",
    "homie/+/+/$name",
    "homie/+/+/$properties",
    "homie/+/+/+/$name",
    "homie/+/+/+/$datatype",
    "homie/+/+/+/$settable",
    "homie/+/+/+/$retained",
    "homie/+/+/+/$unit",
    "homie/+/+/+/$format",
    "homie/5/+/$state",
    "homie/5/+/$description",
  ]);
  const parsed = filters.map(parseTopicFilter);
  for (const [i, a] of parsed.entries()) {
    for (const b of parsed.slice(i + 1)) {
      assert(intersect(a, b) === undefined, `${a.text} and ${b.text}`);
    }
  }
});

Deno.test("homie() tells of the devices of Homie4 (PyPI)", async () => {
  const devices = await recorded("homie4");
  assert.deepEqual(devices, {
    attic: {
      source: "homie",
      id: "attic",
      keys: ["homie:homie/attic"],
      name: "Attic",
      online: "no",
      entities: [{
        name: "Temperature",
        kind: "sensor",
        unit: "°F",
        read: { topic: "homie/attic/climate/temperature" },
      }],
    },
    "living-room": {
      source: "homie",
      id: "living-room",
      keys: ["homie:homie/living-room"],
      name: "Living room",
      online: "yes",
      entities: [
        {
          name: "Temperature",
          kind: "sensor",
          unit: "°C",
          read: { topic: "homie/living-room/climate/temperature" },
        },
        {
          name: "Mode",
          kind: "select",
          read: { topic: "homie/living-room/climate/mode" },
          writes: [{
            topic: "homie/living-room/climate/mode/set",
            payload: "raw",
            options: ["off", "heat", "cool"],
          }],
        },
        {
          name: "Switch",
          kind: "switch",
          read: { topic: "homie/living-room/lights/switch" },
          writes: [{
            topic: "homie/living-room/lights/switch/set",
            payload: "raw",
            values: { on: "true", off: "false" },
          }],
        },
        {
          name: "Dimmer",
          kind: "number",
          unit: "%",
          read: { topic: "homie/living-room/lights/dimmer" },
          writes: [{
            topic: "homie/living-room/lights/dimmer/set",
            payload: "raw",
            min: 0,
            max: 100,
          }],
        },
      ],
    },
  });
});

Deno.test("homie() tells of the devices of node-homie 4 (npm)", async () => {
  const { greenhouse, shed, ...others } = await recorded("node_homie_4");
  assert.deepEqual(others, {});
  assert.equal(shed?.online, "no");
  assert.equal(greenhouse?.online, "yes");
  const entities = entitiesOf(greenhouse);
  assert.deepEqual(Object.keys(entities), [
    "Temperature",
    "Mode",
    "Window",
    "On",
    "Clicked",
    "Lamp",
  ]);
  assert.deepEqual(entities["Clicked"], {
    name: "Clicked",
    kind: "event",
    read: { topic: "homie/greenhouse/pump/clicked" },
  });
  assert.deepEqual(entities["Lamp"], {
    name: "Lamp",
    kind: "text",
    read: { topic: "homie/greenhouse/pump/lamp" },
    writes: [{
      topic: "homie/greenhouse/pump/lamp/set",
      payload: "raw",
      example: "255,120,0",
    }],
  });
});

Deno.test("homie() tells of the devices of node-homie 5 (npm)", async () => {
  const { heating, "heating-relay": relay, well, ...others } = await recorded("node_homie_5");
  assert.deepEqual(others, {});
  assert.deepEqual(well, {
    source: "homie",
    id: "well",
    keys: ["homie:homie/well"],
    name: "Well",
    online: "no",
    entities: [{
      name: "Depth",
      kind: "sensor",
      unit: "m",
      read: { topic: "homie/5/well/level/depth" },
    }],
  });
  assert.equal(heating?.online, "yes");
  assert.deepEqual(entitiesOf(heating)["Setpoint"], {
    name: "Setpoint",
    kind: "number",
    unit: "°C",
    read: { topic: "homie/5/heating/climate/setpoint" },
    writes: [{
      topic: "homie/5/heating/climate/setpoint/set",
      payload: "raw",
      min: 5,
      max: 30,
      step: 0.5,
    }],
  });
  assert.deepEqual(
    heating.entities.map(({ name, kind, unit = "" }) => `${name} ${kind} ${unit}`),
    ["Temperature sensor °C", "Setpoint number °C", "Mode select ", "Valve sensor %"],
  );
  assert.equal(relay?.online, "yes");
  assert.equal(relay.name, "Heating relay");
  assert.deepEqual(
    relay.entities.map(({ name, kind, writes: [write] = [] }) => [name, kind, write?.topic]),
    [
      ["On", "switch", "homie/5/heating-relay/output/on/set"],
      ["Clicked", "event", undefined],
      ["Colour", "text", "homie/5/heating-relay/output/color/set"],
      ["Since", "sensor", undefined],
      ["Run time", "sensor", undefined],
      ["Detail", "sensor", undefined],
    ],
  );
  assert.deepEqual(entitiesOf(relay)["On"]?.writes?.[0]?.values, {
    on: "true",
    off: "false",
    open: "true",
    closed: "false",
  });
  assert.equal(entitiesOf(relay)["Colour"]?.writes?.[0]?.example, "rgb,255,120,0");
});

for (const name of ["homie4", "node_homie_4", "node_homie_5"]) {
  Deno.test(`homie() makes the same of ${name} in any order, and nothing once all is taken back`, async () => {
    const messages = await described(name, homie("homie"));
    const expected = await recorded(name);
    fc.assert(fc.property(
      fc.shuffledSubarray(messages, { minLength: messages.length }),
      fc.shuffledSubarray(messages),
      fc.nat(messages.length),
      (order, twice, at) => {
        const convention = homie("homie");
        // What comes again, or is taken back for a while, changes nothing.
        const gone = twice.map(({ topic }) => retained(topic));
        take(convention, ...order.slice(0, at), ...gone, ...order.slice(at));
        take(convention, ...twice);
        assert.deepEqual(devicesOf(convention), expected);
        assert.equal(take(convention, ...order.map(({ topic }) => retained(topic))), 0);
        assert.deepEqual([...convention.devices()], []);
      },
    ));
  });
}

Deno.test("homie() tells of a device of Homie 4 when it is described, and of properties as they come", () => {
  const messages = four({ "$datatype": "float", "$name": "One" });
  const convention = homie("homie");
  const needed = ["homie/hall/$homie", "homie/hall/$name", "homie/hall/$nodes"];
  for (const topic of needed) {
    take(convention, ...messages, retained(topic));
    assert.deepEqual(devicesOf(convention), {}, topic);
  }
  for (const topic of ["homie/hall/main/$properties", "homie/hall/main/one/$datatype"]) {
    take(convention, ...messages, retained(topic));
    assert.deepEqual(devicesOf(convention)["hall"]?.entities, [], topic);
  }
  take(convention, ...messages, retained("homie/hall/main/one/$name"));
  assert.deepEqual(devicesOf(convention)["hall"]?.entities.map(({ name }) => name), ["one"]);
  take(convention, retained("homie/hall/$homie", "2.0.1"));
  assert.deepEqual(devicesOf(convention), {});
});

Deno.test("homie() reads Homie 4 and counts other versions, and takes no ids that are none", () => {
  for (const version of ["2.1.0", "3.0.1", "40", "5.0", "", "x"]) {
    const convention = homie("homie");
    assert.equal(take(convention, ...four({}, version)), version === "" ? 0 : 1, version);
    assert.deepEqual(devicesOf(convention), {}, version);
  }
  const convention = homie("homie");
  const nodes = retained("homie/hall/$nodes", "main[],x, main ,main");
  take(convention, ...four({ "$datatype": "float" }), nodes);
  assert.equal(devicesOf(convention)["hall"]?.entities.length, 1);
});

Deno.test("homie() tells by the state whether a device is online", () => {
  const states = {
    init: "yes",
    ready: "yes",
    alert: "yes",
    disconnected: "no",
    lost: "no",
    sleeping: "unknown",
    toString: "unknown",
  };
  for (const [state, online] of Object.entries(states)) {
    const convention = homie("homie");
    take(convention, ...four({}), retained("homie/hall/$state", state));
    assert.equal(devicesOf(convention)["hall"]?.online, online, state);
    take(convention, retained("homie/hall/$state"));
    assert.equal(devicesOf(convention)["hall"]?.online, "unknown");
  }
});

Deno.test("homie() counts a child of Homie 5 as lost while its root is lost", () => {
  const convention = homie("homie");
  const child = retained("homie/5/child/$description", five({}, { root: "top" }));
  take(convention, child, retained("homie/5/child/$state", "ready"));
  const online = (): unknown => devicesOf(convention)["child"]?.online;
  assert.equal(online(), "yes");
  for (const [state, expected] of [["lost", "no"], ["sleeping", "yes"], ["lost", "no"]]) {
    take(convention, retained("homie/5/top/$state", state));
    assert.equal(online(), expected, String(state));
  }
  take(convention, retained("homie/5/top/$state"));
  assert.equal(online(), "yes");
  take(convention, retained("homie/5/child/$state", "disconnected"));
  assert.equal(online(), "no");
});

Deno.test("homie() forgets a device of Homie 5 whose state is cleared, or whose description is", () => {
  const convention = homie("homie");
  const state = retained("homie/5/hall/$state", "ready");
  const description = retained("homie/5/hall/$description", five({}));
  take(convention, description);
  assert.deepEqual(devicesOf(convention), {});
  take(convention, state);
  assert.equal(devicesOf(convention)["hall"]?.name, "Hall");
  take(convention, retained("homie/5/hall/$state"));
  assert.deepEqual(devicesOf(convention), {});
  take(convention, state, retained("homie/5/hall/$description"));
  assert.deepEqual(devicesOf(convention), {});
});

Deno.test("homie() tells apart devices of two roots, and knows one by its MAC address", () => {
  const convention = homie("site/devices");
  take(
    convention,
    retained("site/devices/5/a1b2c3d4e5f6/$state", "ready"),
    retained("site/devices/5/a1b2c3d4e5f6/$description", five({})),
  );
  const [device] = [...convention.devices()];
  assert.equal(device?.id, "site/devices/a1b2c3d4e5f6");
  assert.deepEqual(device?.keys, ["homie:site/devices/a1b2c3d4e5f6", "mac:a1b2c3d4e5f6"]);
  assert.equal(take(convention, ...four({})), 0);
  assert.equal([...convention.devices()].length, 1);
});

Deno.test("homie() takes a device of Homie 4 whose id is 5", () => {
  const convention = homie("homie");
  const messages = four({ "$datatype": "float" }).map(({ topic, payload }) =>
    retained(topic.replace("/hall/", "/5/"), payload)
  );
  assert.equal(take(convention, ...messages), 0);
  assert.deepEqual(devicesOf(convention)["5"]?.entities, [
    { name: "one", kind: "sensor", read: { topic: "homie/5/main/one" } },
  ]);
});
