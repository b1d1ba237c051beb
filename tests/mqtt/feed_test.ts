/** What the listeners of one feed hear. */

import assert from "node:assert/strict";
import { McpMqttError } from "../../lib/errors.ts";
import type { Message } from "../../lib/messages/message.ts";
import { Collection } from "../../lib/mqtt/collecting/collection.ts";
import { Feed } from "../../lib/mqtt/collecting/feed.ts";
import type { Subscription } from "../../lib/mqtt/collecting/subscription.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { rejection, textOf } from "./connections.ts";

const LOST = { reasonCode: undefined, cause: "gone" };
const REFUSED = new McpMqttError("broker_refused", "not any more");

function message(topic: string, text: string, retain = false): Message {
  return { topic, payload: new TextEncoder().encode(text), qos: 0, retain, receivedAt: 0 };
}

/** Somebody who collects one filter, or several. */
class Listener {
  readonly texts: string[] = [];
  readonly interruptions: boolean[] = [];
  readonly failures: string[] = [];
  readonly subscriptions: readonly Subscription[];

  constructor(
    filters: string | readonly string[],
    options: { readonly includeRetained?: boolean; readonly resume?: boolean } = {},
  ) {
    const collection = new Collection([filters].flat().map(parseTopicFilter), {
      includeRetained: options.includeRetained ?? true,
      resume: options.resume ?? true,
      onMessage: (one) => void this.texts.push(`${one.topic} ${textOf(one)}`),
      onInterrupted: (isFurther) => void this.interruptions.push(isFurther),
      onFailed: ({ code }) => void this.failures.push(code),
    });
    this.subscriptions = collection.subscriptions;
  }

  get one(): Subscription {
    const [first] = this.subscriptions;
    assert.ok(first);
    return first;
  }
}

/** A feed in force with all its retained messages delivered, and who opened it. */
function openFeed(filter: string, options = {}): { feed: Feed; first: Listener } {
  const first = new Listener(filter, options);
  const feed = new Feed(first.one);
  feed.request();
  feed.activate();
  feed.isSettled = true;
  return { feed, first };
}

Deno.test("Feed gives retained messages to those who asked, and to nobody else", () => {
  const { feed, first } = openFeed("t/#");
  feed.receive(message("t/a", "late", true));
  const second = new Listener("t/#");
  assert.equal(feed.isDue, false);
  feed.attach(second.one);
  assert.equal(feed.isDue, true);
  feed.receive(message("t/a", "before"));
  feed.request();
  assert.equal(feed.isDue, false, "it is asked for");
  feed.receive(message("t/a", "before the broker has handled it"));
  feed.receive(message("t/a", "kept", true));
  feed.receive(message("t/a", "live"));
  feed.activate();
  feed.receive(message("t/b", "kept", true));
  assert.deepEqual(first.texts, [
    "t/a late",
    "t/a before",
    "t/a before the broker has handled it",
    "t/a live",
  ]);
  assert.deepEqual(second.texts, ["t/a kept", "t/a live", "t/b kept"]);
});

Deno.test("Feed has who came later hear from the SUBACK on if nothing is retained", async () => {
  const { feed, first } = openFeed("t/#");
  const second = new Listener("t/#");
  feed.attach(second.one);
  feed.request();
  feed.receive(message("t/a", "1"));
  feed.activate();
  await second.one.inForce;
  feed.receive(message("t/a", "2"));
  assert.deepEqual([first.texts, second.texts], [["t/a 1", "t/a 2"], ["t/a 2"]]);
});

Deno.test("Feed is open to who wants retained messages only while none are on their way", () => {
  const first = new Listener("t/#");
  const feed = new Feed(first.one);
  const [with_, without] = [
    new Listener("t/#").one,
    new Listener("t/#", { includeRetained: false }).one,
  ];
  const isOpen = (): boolean[] => [with_, without].map((one) => feed.isOpenTo(one));
  assert.deepEqual(isOpen(), [true, true], "the SUBSCRIBE is not sent");
  feed.request();
  assert.deepEqual(isOpen(), [false, true]);
  feed.activate();
  assert.deepEqual(isOpen(), [false, true]);
  feed.isSettled = true;
  assert.deepEqual(isOpen(), [true, true]);
  feed.request();
  assert.deepEqual(isOpen(), [false, true], "others have asked");
  feed.interrupt(LOST);
  assert.deepEqual(isOpen(), [true, true], "all ask over the next connection");
  feed.request();
  feed.activate();
  feed.leave();
  assert.deepEqual(isOpen(), [false, false]);
});

Deno.test("Feed asks for retained messages if one of its listeners wants them", () => {
  const { feed, first } = openFeed("t/#", { includeRetained: false });
  assert.equal(feed.includeRetained, false);
  const second = new Listener("t/#", { includeRetained: false });
  feed.attach(second.one);
  assert.equal(feed.isDue, false, "who wants none needs no SUBSCRIBE");
  feed.receive(message("t/a", "before it joins"));
  feed.join(second.one);
  const third = new Listener("t/#");
  feed.attach(third.one);
  assert.deepEqual([feed.isDue, feed.includeRetained], [true, true]);
  feed.request();
  feed.receive(message("t/a", "kept", true));
  feed.activate();
  feed.receive(message("t/a", "live"));
  assert.deepEqual(first.texts, ["t/a before it joins", "t/a live"]);
  assert.deepEqual(second.texts, ["t/a live"]);
  assert.deepEqual(third.texts, ["t/a kept", "t/a live"]);
});

Deno.test("Feed has who comes before the SUBACK, and wants nothing retained, hear what comes after", async () => {
  const first = new Listener("t/#");
  const feed = new Feed(first.one);
  feed.request();
  const second = new Listener("t/#", { includeRetained: false });
  feed.attach(second.one);
  feed.activate();
  feed.receive(message("t/a", "before it came"));
  feed.join(second.one);
  await second.one.inForce;
  feed.receive(message("t/a", "after"));
  assert.deepEqual(second.texts, ["t/a after"]);
  const third = new Listener("t/#", { includeRetained: false });
  feed.interrupt(LOST);
  feed.request();
  feed.attach(third.one);
  feed.join(third.one);
  feed.receive(message("t/a", "the SUBACK is still to come"));
  assert.deepEqual(third.texts, []);
  feed.activate();
  await third.one.inForce;
});

Deno.test("Feed gives a listener with a narrower filter what that matches", () => {
  const { feed } = openFeed("#");
  const same = new Listener("+/#");
  const narrower = new Listener("t/+/x");
  for (const { one } of [same, narrower]) feed.attach(one);
  feed.request();
  feed.receive(message("u", "kept", true));
  feed.receive(message("t/a/x", "live"));
  feed.receive(message("t/a", "live"));
  assert.deepEqual(narrower.texts, ["t/a/x live"], "a replay for others says that it has begun");
  assert.deepEqual(same.texts, ["u kept", "t/a/x live", "t/a live"]);
});

Deno.test("Feed whose further SUBSCRIBE is refused goes on for those who were there", async () => {
  const { feed, first } = openFeed("t/#");
  const second = new Listener("t/#");
  feed.attach(second.one);
  feed.request();
  const third = new Listener("t/#", { includeRetained: false });
  feed.attach(third.one);
  feed.refuse(REFUSED);
  assert.equal((await rejection(second.one.inForce)).code, "broker_refused");
  assert.equal(feed.state, "active");
  feed.join(third.one);
  feed.receive(message("t/a", "1"));
  assert.deepEqual([first.texts, second.texts], [["t/a 1"], []]);
  assert.deepEqual(third.texts, ["t/a 1"], "nothing was asked for it");
  assert.deepEqual([first.failures, second.failures], [[], []], "who waits for it learns it");
});

Deno.test("Feed tells each of its listeners of a loss once, and those that do not resume go", () => {
  const { feed, first } = openFeed("t/#");
  const twice = new Listener(["t/a/+", "t/+/b"]);
  const once = new Listener("t/#", { resume: false });
  for (const one of [...twice.subscriptions, once.one]) feed.attach(one);
  feed.request();
  feed.activate();
  const late = new Listener("t/#");
  feed.attach(late.one);
  feed.interrupt(LOST);
  feed.request();
  feed.interrupt(LOST);
  assert.deepEqual(first.interruptions, [false]);
  assert.deepEqual(twice.interruptions, [false, true], "one of its filters, then the other");
  assert.deepEqual([once.interruptions, once.one.isGone], [[false], true]);
  assert.deepEqual(late.interruptions, [], "it was not in force");
  feed.request();
  feed.receive(message("t/a/b", "kept", true));
  feed.activate();
  assert.ok(![first, twice, late].some(({ one }) => one.isInterrupted));
  for (const { texts } of [first, twice, late]) assert.deepEqual(texts, ["t/a/b kept"]);
  assert.deepEqual(once.texts, []);
});

Deno.test("Feed is gone when the connection is lost and nobody who listens resumes", async () => {
  const { feed, first } = openFeed("t/#", { resume: false });
  feed.interrupt(LOST);
  assert.equal(feed.state, "gone");
  await feed.left;
  assert.equal(first.one.isGone, true);
});

Deno.test("Feed knows whether the last SUBSCRIBE had much sent", () => {
  const { feed } = openFeed("t/#");
  const much = "x".repeat(600_000);
  feed.receive(message("t/a", much));
  feed.receive(message("t/b", much));
  feed.receive(message("t/c", much, true));
  assert.equal(feed.hasMuchRetained, false);
  feed.receive(message("t/d", much, true));
  assert.equal(feed.hasMuchRetained, true);
  feed.request();
  assert.equal(feed.hasMuchRetained, false);
});
