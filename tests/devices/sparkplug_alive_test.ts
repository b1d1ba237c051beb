import assert from "node:assert/strict";
import type { Convention } from "../../lib/devices/device.ts";
import { sparkplug } from "../../lib/devices/sparkplug.ts";
import type { Message } from "../../lib/messages/message.ts";
import { bdSeq, bytes, certificate, level, live } from "./sparkplug_messages.ts";
import { devicesOf, entitiesOf, take } from "./taking.ts";

function onlineOf(convention: Convention): string {
  const devices = Object.entries(devicesOf(convention));
  return devices.map(([id, { online }]) => `${id} ${online}`).join(", ");
}

Deno.test("sparkplug() knows who is alive by births, data and deaths", () => {
  const convention = sparkplug("spBv1.0");
  const steps: Array<[message: Message, online: string]> = [
    [live("g/NBIRTH/n", bdSeq(3)), "g/n yes"],
    [live("g/DBIRTH/n/d", level(1)), "g/n yes, g/n/d yes"],
    [live("g/DBIRTH/n/e", level(1)), "g/n yes, g/n/d yes, g/n/e yes"],
    [live("g/DDEATH/n/d", []), "g/n yes, g/n/d no, g/n/e yes"],
    [live("g/NDEATH/n", bdSeq(3)), "g/n no, g/n/d no, g/n/e no"],
    [live("g/DDATA/n/d", level(1)), "g/n yes, g/n/d yes, g/n/e no"],
    // A new birth of the node: its devices have to follow.
    [live("g/NBIRTH/n", bdSeq(4)), "g/n yes, g/n/d unknown, g/n/e no"],
    [live("g/DBIRTH/n/e", level(1)), "g/n yes, g/n/d unknown, g/n/e yes"],
    [live("g/DDATA/n/d", level(1)), "g/n yes, g/n/d yes, g/n/e yes"],
    // Of those that are not known.
    [live("g/NDEATH/x", bdSeq(4)), "g/n yes, g/n/d yes, g/n/e yes"],
    [live("g/DDEATH/n/x", []), "g/n yes, g/n/d yes, g/n/e yes"],
    // An empty payload is a death, too.
    [bytes("g/DDEATH/n/d", new Uint8Array()), "g/n yes, g/n/d no, g/n/e yes"],
    [bytes("g/NDEATH/n", new Uint8Array()), "g/n no, g/n/d no, g/n/e no"],
    [live("g/NDATA/n", level(1)), "g/n yes, g/n/d no, g/n/e no"],
  ];
  for (const [i, [message, online]] of steps.entries()) {
    assert.equal(take(convention, message), 0);
    assert.equal(onlineOf(convention), online, `step ${i}`);
  }
});

Deno.test("sparkplug() takes a death whatever its number, as tahu counts one less", () => {
  const after = (...steps: Array<[type: string, value: number]>): string => {
    const convention = sparkplug("spBv1.0");
    for (const [type, value] of steps) take(convention, live(`g/${type}/n`, bdSeq(value)));
    return onlineOf(convention);
  };
  assert.equal(after(["NBIRTH", 1], ["NDEATH", 0]), "g/n no");
  assert.equal(after(["NBIRTH", 1], ["NDEATH", 0], ["NBIRTH", 2]), "g/n yes");
  assert.equal(after(["NBIRTH", 1], ["NDEATH", 0], ["NBIRTH", 2], ["NDEATH", 1]), "g/n no");
  assert.equal(after(["NBIRTH", 4], ["NBIRTH", 5], ["NDEATH", 4], ["NDATA", 0]), "g/n yes");
});

Deno.test("sparkplug() reads certificates that the broker keeps, which say nothing of now", () => {
  const convention = sparkplug("spBv1.0");
  const told = (): string =>
    Object.values(devicesOf(convention)).map(({ id, online, entities }) =>
      `${id} ${online} ${entities.map(({ name, heard }) => `${name}=${heard?.value}`)}`
    ).join(", ");
  take(convention, certificate("g/DBIRTH/n/d", level(1)));
  assert.equal(told(), "g/n unknown Node Control/Rebirth=undefined, g/n/d unknown Level=1");
  take(convention, certificate("g/NBIRTH/n", level(2)));
  assert.equal(told(), "g/n unknown Level=2, g/n/d unknown Level=1");
  assert.equal(entitiesOf(devicesOf(convention)["g/n"])["Level"]?.heard?.retain, true);
  take(convention, live("g/NDATA/n", level(3)));
  assert.equal(told(), "g/n yes Level=3, g/n/d unknown Level=1");
  take(convention, certificate("g/NBIRTH/n", level(4), 2));
  assert.equal(told(), "g/n yes Level=4, g/n/d unknown Level=1");
  take(convention, live("g/NBIRTH/n", level(5)));
  assert.equal(take(convention, certificate("g/NBIRTH/n", level(4), 3)), 0);
  assert.equal(told(), "g/n yes Level=5, g/n/d unknown Level=1");
  const empty = (path: string): Message => ({
    ...certificate(path, []),
    payload: new Uint8Array(),
  });
  take(convention, empty("g/DBIRTH/n/d"), empty("g/NBIRTH/n"));
  assert.equal(told(), "g/n yes Level=5");
  take(convention, certificate("g/NDATA/n", level(6)), certificate("g/NDEATH/n", level(6)));
  assert.equal(told(), "g/n yes Level=5");
});

Deno.test("sparkplug() takes what is retained against the standard for what was said before", () => {
  const retain = true;
  const convention = sparkplug("spBv1.0");
  take(convention, live("g/NBIRTH/n", level(1), { retain }));
  assert.equal(onlineOf(convention), "g/n unknown");
  take(convention, live("g/NDATA/n", level(2), { retain }));
  assert.equal(onlineOf(convention), "g/n unknown");
  take(convention, live("g/NDEATH/n", [], { retain }));
  assert.equal(onlineOf(convention), "g/n no");
  take(convention, live("g/NDATA/n", level(2)), live("g/NDEATH/n", [], { retain }));
  assert.equal(onlineOf(convention), "g/n yes");
});

Deno.test("sparkplug() forgets what a birth of no bytes takes back", () => {
  const convention = sparkplug("spBv1.0");
  const births = [
    live("g/NBIRTH/n", level(1)),
    live("g/DBIRTH/n/d", level(1)),
    live("g/DBIRTH/n/e", level(1)),
  ];
  take(convention, ...births, bytes("g/DBIRTH/n/d", new Uint8Array()));
  assert.deepEqual(Object.keys(devicesOf(convention)), ["g/n", "g/n/e"]);
  take(convention, bytes("g/NDATA/n", new Uint8Array()), bytes("g/DBIRTH/n/x", new Uint8Array()));
  assert.deepEqual(Object.keys(devicesOf(convention)), ["g/n", "g/n/e"]);
  assert.equal(take(convention, bytes("g/NBIRTH/n", new Uint8Array())), 0);
  assert.deepEqual(devicesOf(convention), {});
  assert.equal(take(convention, bytes("g/DBIRTH/n/d", new Uint8Array())), 0);
});
