import assert from "node:assert/strict";
import type { Convention, Description } from "../../lib/devices/device.ts";
import { type Device, Directory } from "../../lib/devices/directory.ts";
import { Values } from "../../lib/devices/values.ts";
import type { Message } from "../../lib/messages/message.ts";

/** A message that is retained. */
export function said(topic: string, payload: string | object, receivedAt = 1_000): Message {
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return { topic, payload: new TextEncoder().encode(text), qos: 0, retain: true, receivedAt };
}

/** Each message on `<prefix>/+` is the JSON of a description. */
function plain(
  prefix: string,
  { source = "homeassistant", isCumulative = false, onTake = () => {} }: {
    readonly source?: Description["source"];
    readonly isCumulative?: boolean;
    readonly onTake?: (topic: string) => void;
  } = {},
): Convention {
  const known = new Map<string, Description>();
  return {
    source,
    isCumulative,
    filters: [`${prefix}/+`],
    *take({ topic, payload }) {
      onTake(topic);
      known.delete(topic);
      yield;
      if (payload.length === 0) return 0;
      const text = new TextDecoder().decode(payload);
      if (!text.startsWith("{")) return 1;
      known.set(topic, { source, entities: [], ...JSON.parse(text) });
      return 0;
    },
    devices: () => known.values(),
  };
}

function shown(devices: readonly Device[]): string[] {
  return devices.map(({ id, name, sources, entities }) =>
    `${id} ${name} ${sources.join("+")} ${entities.map((one) => one.name).join(",")}`
  );
}

const sensor = (name: string, topic: string, more: object = {}): object => ({
  name,
  kind: "sensor",
  read: { topic },
  ...more,
});

Deno.test("Directory makes one device of descriptions that share a key, in any order", async () => {
  const descriptions = [
    said("d/1", { id: "a", keys: ["id:a"], name: "Lamp", entities: [sensor("one", "s/1")] }),
    said("d/2", { id: "b", keys: ["id:b"], entities: [sensor("two", "s/2")] }),
    said("d/3", { id: "c", keys: ["id:c"], area: "Attic", entities: [sensor("three", "s/3")] }),
    // It brings the three together.
    said("d/4", { id: "d", keys: ["id:a", "id:b", "id:c"], model: "L1" }),
    said("d/5", { id: "e", keys: ["id:e"], name: "Other" }),
  ];
  for (const order of [descriptions, descriptions.toReversed(), descriptions.toSorted()]) {
    const directory = new Directory([plain("d")]);
    for (const message of order) directory.receive(message);
    const devices = await directory.devices();
    assert.deepEqual(devices.map(({ name, model, area }) => [name, model, area]), [
      ["Lamp", "L1", "Attic"],
      ["Other", undefined, undefined],
    ]);
    assert.deepEqual(devices[0]?.entities.map(({ name }) => name).sort(), ["one", "three", "two"]);
  }
});

Deno.test("Directory believes a device's own convention before another that tells of it", async () => {
  const directory = new Directory([plain("ha"), plain("z", { source: "zigbee2mqtt" })]);
  const twice = sensor("Temperature", "z/lamp", { read: { topic: "z/lamp", path: "/t" } });
  directory.receive(said("ha/1", {
    id: "twin",
    keys: ["id:0x1"],
    name: "Twin",
    area: "Hall",
    entities: [twice, sensor("Only here", "z/x")],
  }));
  directory.receive(said("z/1", {
    id: "0x1",
    keys: ["id:0x1"],
    name: "lamp",
    entities: [{ ...twice, name: "temperature" }],
  }));
  const [device, ...others] = await directory.devices();
  assert.equal(others.length, 0);
  assert.equal(device?.area, "Hall");
  assert.deepEqual(shown([device].flatMap((one) => one ?? [])), [
    "0x1 lamp zigbee2mqtt+homeassistant temperature,Only here",
  ]);
});

Deno.test("Directory makes no two devices one that say themselves what they are", async () => {
  const directory = new Directory([plain("ha"), plain("z", { source: "zigbee2mqtt" })]);
  for (const name of ["kitchen", "bedroom", "siren"]) {
    directory.receive(said(`z/${name}`, {
      id: name,
      keys: [`id:${name}`],
      name,
      entities: [sensor("State", `z/${name}`)],
    }));
  }
  directory.receive(said("ha/1", {
    id: "evil",
    keys: ["id:kitchen", "id:bedroom", "id:siren"],
    name: "evil",
    entities: [sensor("Evil", "evil")],
  }));
  assert.deepEqual(shown(await directory.devices()), [
    "bedroom bedroom zigbee2mqtt State",
    "kitchen kitchen zigbee2mqtt+homeassistant State,Evil",
    "siren siren zigbee2mqtt State",
  ]);
});

Deno.test("Directory keeps all entities of one convention, and of another what it adds", async () => {
  const directory = new Directory([plain("ha"), plain("z", { source: "zigbee2mqtt" })]);
  const writes = [{ topic: "set", payload: "raw" }];
  directory.receive(said("ha/1", {
    id: "kettle",
    keys: ["id:kettle"],
    entities: [
      sensor("Boils", "k/state"),
      sensor("Kettle", "k/state", { kind: "switch", writes }),
      sensor("Level", "k/level", { kind: "number", writes }),
      sensor("Mode", "k/mode", { kind: "select", writes }),
      { name: "Identify", kind: "button", writes },
    ],
  }));
  assert.deepEqual(shown(await directory.devices()), [
    "kettle kettle homeassistant Boils,Kettle,Level,Mode,Identify",
  ]);
  directory.receive(said("z/1", {
    id: "0x1",
    keys: ["id:kettle"],
    entities: [
      sensor("level", "k/level"),
      sensor("mode", "k/mode", { kind: "select", writes }),
      { name: "identify", kind: "button", writes },
    ],
  }));
  const [device] = await directory.devices();
  assert.deepEqual(device?.entities.map(({ name, kind, writes }) => [name, kind, writes?.length]), [
    // It has its command from the other one.
    ["level", "number", 1],
    ["mode", "select", 1],
    ["identify", "button", 1],
    ["Boils", "sensor", undefined],
    ["Kettle", "switch", 1],
  ]);
});

Deno.test("Directory orders devices by name, numbers by their size", async () => {
  const directory = new Directory([plain("d")]);
  const names = ["Lamp 2", "lamp 1", "Lamp 10", "änder", "Zoo", "2nd", "10th"];
  for (const [i, name] of names.entries()) {
    directory.receive(said(`d/${i}`, { id: `${i}`, keys: [], name }));
  }
  assert.deepEqual((await directory.devices()).map(({ name }) => name), [
    "2nd",
    "10th",
    "änder",
    "lamp 1",
    "Lamp 2",
    "Lamp 10",
    "Zoo",
  ]);
});

Deno.test("Directory.valueTopics() has those of availability first, and then some of each device", async () => {
  const directory = new Directory([plain("d")]);
  const entities = Array.from({ length: 150 }, (_, i) => sensor(`${i}`, `a/${i}`));
  directory.receive(said("d/1", { id: "a", keys: [], entities }));
  const online = { mode: "all", topics: [{ topic: "b/lwt", yes: [], no: [] }] };
  directory.receive(said("d/2", { id: "b", keys: [], online, entities: [sensor("t", "b/t")] }));
  const topics = [...directory.valueTopics(await directory.devices())];
  assert.equal(topics.length, 152);
  assert.equal(topics[0], "b/lwt");
  assert.deepEqual(topics.indexOf("b/t"), 101);
});

Deno.test("Directory gives no two devices one id", async () => {
  const directory = new Directory([
    plain("a"),
    plain("b", { source: "homie" }),
    plain("c", { source: "homie" }),
  ]);
  for (const topic of ["a/1", "b/1", "c/1"]) {
    directory.receive(said(topic, { id: "lamp", keys: [`key:${topic}`], name: topic }));
  }
  assert.deepEqual(shown(await directory.devices()).map((one) => one.split(" ")[0]).sort(), [
    "homeassistant:lamp",
    "homie:lamp",
    "lamp",
  ]);
});

Deno.test("Directory takes the last description of a topic, and forgets one that is taken back", async () => {
  const directory = new Directory([plain("d")]);
  directory.receive(said("d/1", { id: "a", keys: [], name: "old" }));
  directory.receive(said("d/1", { id: "a", keys: [], name: "new" }));
  assert.deepEqual(shown(await directory.devices()), ["a new homeassistant "]);
  directory.receive(said("d/1", { id: "a", keys: [], name: "newer" }));
  assert.deepEqual(shown(await directory.devices()), ["a newer homeassistant "]);
  directory.receive(said("d/1", ""));
  assert.deepEqual(await directory.devices(), []);
});

Deno.test("Directory counts what could not be understood, until it is made good", async () => {
  const directory = new Directory([plain("d")]);
  directory.receive(said("d/1", "rubbish"));
  directory.receive(said("d/2", { id: "b", keys: [] }));
  assert.equal((await directory.devices()).length, 1);
  assert.equal(directory.unparsed, 1);
  directory.receive(said("d/1", { id: "a", keys: [] }));
  assert.equal((await directory.devices()).length, 2);
  assert.equal(directory.unparsed, 0);
});

Deno.test("Directory reads a live convention's messages each, of others the last only", async () => {
  const taken: string[] = [];
  const onTake = (topic: string): void => void taken.push(topic);
  const directory = new Directory([
    plain("live", { isCumulative: true, onTake }),
    plain("d", { onTake }),
  ]);
  for (const topic of ["live/1", "d/1", "live/1", "d/1"]) {
    directory.receive(said(topic, { id: topic, keys: [] }));
  }
  await directory.devices();
  assert.deepEqual(taken, ["live/1", "live/1", "d/1"]);
});

Deno.test("Directory passes over and counts what would take too much room", async () => {
  const directory = new Directory([plain("d")], { maxBytes: 2_000 });
  for (const id of ["1", "2", "3"]) {
    directory.receive(said(`d/${id}`, { id, keys: [], name: "x".repeat(300) }));
  }
  assert.equal((await directory.devices()).length, 2);
  assert.equal(directory.unparsed, 1);
  // What has been read takes room, too; what is taken back gives it back.
  directory.receive(said("d/3", { id: "3", keys: [], name: "x".repeat(300) }));
  assert.equal((await directory.devices()).length, 2);
  assert.equal(directory.unparsed, 1);
  directory.receive(said("d/1", ""));
  directory.receive(said("d/3", { id: "3", keys: [], name: "x".repeat(300) }));
  assert.deepEqual((await directory.devices()).map(({ id }) => id), ["2", "3"]);
  assert.equal(directory.unparsed, 0);
  // What no longer fits is gone, not left as it was.
  directory.receive(said("d/2", { id: "2", keys: [], name: "x".repeat(1_500) }));
  assert.deepEqual((await directory.devices()).map(({ id }) => id), ["3"]);
});

Deno.test("Directory.devices() asked for twice at once gives all to both", async () => {
  const directory = new Directory([plain("d")]);
  for (let i = 0; i < 500; i++) directory.receive(said(`d/${i}`, { id: `${i}`, keys: [] }));
  const [one, two] = await Promise.all([directory.devices(), directory.devices()]);
  assert.equal(one.length, 500);
  assert.equal(two.length, 500);
});

Deno.test("Directory keeps the last message of the topics with values, and no other", async () => {
  const directory = new Directory([plain("d")]);
  directory.receive(said("d/1", {
    id: "a",
    keys: [],
    online: { mode: "all", topics: [{ topic: "s/online", yes: ["1"], no: ["0"] }] },
    entities: [sensor("t", "s/t", { also: [{ topic: "s/also" }] })],
  }));
  directory.receive(said("s/t", "too early"));
  const topics = directory.valueTopics(await directory.devices());
  assert.deepEqual([...topics].sort(), ["s/also", "s/online", "s/t"]);
  assert.equal(directory.last("s/t"), undefined);
  directory.receive(said("s/t", "21"));
  directory.receive(said("s/other", "1"));
  assert.equal(directory.last("s/t")?.payload.length, 2);
  assert.equal(directory.last("s/other"), undefined);
  directory.receive(said("s/t", "x".repeat(70_000)));
  assert.equal(directory.last("s/t"), undefined, "what is too large is no value");
  directory.receive(said("s/t", "22"));
  directory.receive(said("s/t", ""));
  assert.equal(directory.last("s/t"), undefined, "what was taken back is no value");
});

Deno.test("Directory lets the oldest values go when they take too much room", async () => {
  const directory = new Directory([plain("d")]);
  const topics = Array.from({ length: 300 }, (_, at) => `s/${at}`);
  const entities = topics.map((topic) => sensor(topic, topic));
  directory.receive(said("d/1", { id: "a", keys: [], entities }));
  directory.valueTopics(await directory.devices());
  const kept = (): string[] => topics.filter((topic) => directory.last(topic) !== undefined);
  for (const topic of topics) directory.receive(said(topic, "x".repeat(60_000)));
  const { length } = kept();
  assert(length > 250 && length < 300, `${length}`);
  assert.deepEqual(kept(), topics.slice(-length));
  // What comes again is the newest.
  directory.receive(said("s/299", "x".repeat(60_000)));
  assert.equal(kept().length, length);
  for (const topic of topics) directory.receive(said(topic, "x".repeat(600)));
  assert.deepEqual(kept(), topics);
});

Deno.test("Directory.needs() names what finds, reads and commands a device", async () => {
  const directory = new Directory([plain("d"), plain("z", { source: "zigbee2mqtt" })]);
  const writes = [{ topic: "s/set", payload: "raw" }, { topic: "s/other", payload: "raw" }];
  const entities = [sensor("one", "s/1", { writes }), sensor("two", "s/1", { name: "two" })];
  directory.receive(said("d/1", { id: "a", keys: [], entities }));
  const [device = assert.fail()] = await directory.devices();
  assert.deepEqual(directory.needs(device), {
    describedOn: ["d/+"],
    reads: ["s/1"],
    writes: ["s/set"],
  });
});

Deno.test("Values.of() takes the place that was heard last", () => {
  const messages = new Map([
    ["a", said("a", { x: { y: 1.5 } }, 10)],
    ["b", said("b", "ON", 20)],
  ]);
  const values = new Values({
    last: (topic) => messages.get(topic),
    mayRead: (topic) => topic !== "denied",
  });
  const at = (read: object, more: object = {}): unknown =>
    values.of({ name: "", kind: "", read: { topic: "a", ...read }, ...more })?.value;
  assert.deepEqual(at({}), { x: { y: 1.5 } });
  assert.equal(at({ path: "/x/y" }), 1.5);
  assert.equal(at({ path: "/x/z" }), undefined);
  assert.equal(at({ path: "/x/y", template: "{{ a }}" }), undefined);
  assert.equal(at({ path: "/x/y" }, { also: [{ topic: "b" }] }), "ON");
  assert.equal(at({ topic: "b" }, { also: [{ topic: "a", path: "/x/y" }] }), "ON");
  const heard = (receivedAt: number): object => ({
    heard: { value: "heard", receivedAt, retain: false },
  });
  assert.equal(at({ path: "/x/y" }, heard(5)), 1.5);
  assert.equal(at({ path: "/x/y" }, heard(15)), "heard");
  assert.equal(at({ topic: "none" }, heard(1)), "heard");
  assert.equal(at({ topic: "b" }, { kind: "event" }), undefined, "a retained event is over");
  assert.equal(at({ topic: "none" }, { kind: "event", ...heard(1) }), "heard");
});

Deno.test("Values.online() is what the availability topics say together, and unknown without any", () => {
  const messages = new Map([
    ["up", said("up", "online", 10)],
    ["down", said("down", { state: "offline" }, 20)],
    ["odd", said("odd", "booting", 30)],
    ["true", said("true", "true", 5)],
  ]);
  const values = new Values({
    last: (topic) => messages.get(topic),
    mayRead: (topic) => topic !== "denied",
  });
  const words = { yes: ["online", "true"], no: ["offline"] };
  const online = (mode: "all" | "any" | "latest", ...topics: string[]): string => {
    const availability = topics.map((topic) => ({ topic, path: "/state", ...words }));
    return values.online([{ mode, topics: availability }]);
  };
  assert.equal(online("all", "up"), "yes");
  assert.equal(online("all", "true"), "yes");
  assert.equal(online("all", "up", "down"), "no");
  assert.equal(online("all", "never", "down"), "no");
  assert.equal(online("any", "up", "down"), "yes");
  assert.equal(online("any", "never", "up"), "yes");
  assert.equal(online("any", "never", "down"), "unknown");
  assert.equal(online("any", "down"), "no");
  assert.equal(online("latest", "up", "down"), "no");
  assert.equal(online("latest", "down", "up"), "no");
  assert.equal(online("latest", "up", "never"), "yes");
  // All must say yes, and this one has not.
  assert.equal(online("all", "up", "never"), "unknown");
  assert.equal(online("all", "up", "odd"), "unknown");
  for (const mode of ["all", "any", "latest"] as const) {
    assert.equal(online(mode, "odd"), "unknown");
    assert.equal(online(mode, "never"), "unknown");
  }
  const optional = (topic: string): string =>
    values.online([{
      mode: "all",
      topics: [{ topic: "up", path: "/state", ...words }, { topic, ...words, isOptional: true }],
    }]);
  assert.equal(optional("never"), "yes", "it need not be there");
  assert.equal(optional("denied"), "unknown", "whether it is there is not known");
  assert.equal(optional("down"), "unknown");
  assert.equal(values.online([]), "unknown");
  assert.equal(values.online(["unknown", "no", "yes"]), "no");
});
