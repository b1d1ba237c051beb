import assert from "node:assert/strict";
import { McpMqttError } from "../../lib/errors.ts";
import type { Message } from "../../lib/messages/message.ts";
import { Collection } from "../../lib/mqtt/collecting/collection.ts";
import { Feed } from "../../lib/mqtt/collecting/feed.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { rejection, textOf } from "./connections.ts";

const LOST = { reasonCode: undefined, cause: "gone" };
const REFUSED = new McpMqttError("broker_refused", "not any more");

/** A collection without a lane, and everything that it has told. */
class Heard {
  readonly texts: string[] = [];
  readonly failures: string[] = [];
  readonly interruptions: boolean[] = [];
  readonly collection: Collection;
  /** The feed of each filter. */
  readonly #feeds: readonly Feed[];

  constructor(
    filters: readonly string[],
    options: {
      readonly includeRetained?: boolean;
      readonly resume?: boolean;
      readonly onMessage?: () => void;
    } = {},
  ) {
    this.collection = new Collection(filters.map(parseTopicFilter), {
      includeRetained: options.includeRetained ?? true,
      resume: options.resume ?? true,
      onMessage: (message) => {
        this.texts.push(`${message.topic} ${textOf(message)}`);
        options.onMessage?.();
      },
      onInterrupted: (isFurther) => void this.interruptions.push(isFurther),
      onFailed: ({ code }) => void this.failures.push(code),
    });
    this.#feeds = this.collection.subscriptions.map((one) => new Feed(one));
  }

  /** The feed of a filter. */
  at(n = 0): Feed {
    const found = this.#feeds[n];
    assert.ok(found);
    return found;
  }

  /** Brings all into force. */
  begin(): this {
    for (const feed of this.#feeds) {
      feed.request();
      feed.activate();
    }
    return this;
  }
}

function message(topic: string, text: string, more: Partial<Message> = {}): Message {
  const payload = new TextEncoder().encode(text);
  return { topic, payload, qos: 0, retain: false, receivedAt: 0, ...more };
}

Deno.test("Collection drops a replay of what it had last, never a message that says the same again", () => {
  const heard = new Heard(["t/#"]).begin();
  const receive = (text: string, retain: boolean): void =>
    heard.at().receive(message("t/a", text, { retain }));
  receive("1", true);
  receive("1", false);
  receive("1", false);
  receive("1", true);
  receive("2", true);
  receive("1", true);
  assert.deepEqual(heard.texts, ["t/a 1", "t/a 1", "t/a 1", "t/a 2", "t/a 1"]);
});

Deno.test("Collection without retained messages hears none that comes unasked", () => {
  const heard = new Heard(["t/#"], { includeRetained: false }).begin();
  heard.at().receive(message("t/a", "old", { retain: true }));
  heard.at().receive(message("t/a", "new"));
  heard.at().receive(message("t/a", "new"));
  assert.deepEqual(heard.texts, ["t/a new", "t/a new"]);
});

Deno.test("Collection hears the copy of the first filter that matches and has not been given up", () => {
  const heard = new Heard(["t/+", "t/#", "+/a"]).begin();
  const [first, second, third] = [heard.at(0), heard.at(1), heard.at(2)];
  for (const one of [third, second, first]) one.receive(message("t/a", "1"));
  second.receive(message("t/a/b", "only"));
  assert.deepEqual(heard.texts, ["t/a 1", "t/a/b only"]);
  first.interrupt(LOST);
  first.request();
  first.refuse(REFUSED);
  assert.deepEqual(heard.failures, ["broker_refused"]);
  for (const one of [third, second]) one.receive(message("t/a", "2"));
  assert.deepEqual(heard.texts.slice(2), ["t/a 2"]);
});

Deno.test("Collection whose listener fails at a message tells so once, and nothing after it", () => {
  const heard = new Heard(["t/#"], {
    onMessage: () => {
      throw new Error("a fault of the listener");
    },
  }).begin();
  heard.at().receive(message("t/a", "1"));
  heard.at().receive(message("t/a", "2"));
  heard.at().interrupt(LOST);
  heard.at().request();
  heard.at().refuse(REFUSED);
  assert.deepEqual([heard.texts, heard.failures], [["t/a 1"], ["internal"]]);
  assert.deepEqual(heard.interruptions, []);
});

Deno.test("Collection.end() is the end of all that it tells", () => {
  const heard = new Heard(["t/#", "u"]).begin();
  heard.collection.end();
  heard.at().receive(message("t/a", "1"));
  heard.at().interrupt(LOST);
  heard.at().request();
  heard.at().refuse(REFUSED);
  assert.deepEqual([heard.texts, heard.interruptions, heard.failures], [[], [], []]);
});

Deno.test("Collection is interrupted from the loss of a connection to the SUBACK over the next", () => {
  const heard = new Heard(["t/#", "u"]);
  const [first, second] = [heard.at(0), heard.at(1)];
  assert.equal(heard.collection.isInterrupted, false, "it has not begun");
  first.request();
  first.interrupt(LOST);
  assert.equal(heard.collection.isInterrupted, false, "it was not in force");
  heard.begin();
  assert.equal(heard.collection.isInterrupted, false);
  first.interrupt(LOST);
  assert.equal(heard.collection.isInterrupted, true);
  second.interrupt(LOST);
  first.request();
  second.request();
  assert.equal(heard.collection.isInterrupted, true, "the SUBACKs have not come");
  first.activate();
  assert.equal(heard.collection.isInterrupted, true, "one SUBACK has not come");
  second.activate();
  assert.equal(heard.collection.isInterrupted, false);
  assert.deepEqual(heard.interruptions, [false, true]);
});

Deno.test("Collection that does not resume is over at the first loss of a connection", () => {
  const heard = new Heard(["t/#", "u"], { resume: false }).begin();
  heard.at(0).interrupt(LOST);
  assert.equal(heard.at(0).state, "gone");
  heard.at(1).receive(message("u", "1"));
  heard.at(1).interrupt(LOST);
  assert.deepEqual([heard.texts, heard.interruptions], [[], [false]]);
});

Deno.test("Feed is given up when the connection is lost a second time before its SUBACK", async () => {
  const heard = new Heard(["t/#"]);
  const one = heard.at();
  one.request();
  one.interrupt(LOST);
  assert.equal(one.state, "waiting");
  one.request();
  one.interrupt({ reasonCode: 0x8F, cause: "gone" });
  assert.equal(one.state, "gone");
  await one.left;
  const { code, message: text } = await rejection(
    heard.collection.subscriptions[0]?.inForce ?? Promise.resolve(),
  );
  assert.equal(code, "broker_refused");
  assert.match(text, /lost 2 times while subscribing to "t\/#".*143 \(Topic Filter invalid\)/);
  assert.deepEqual(heard.failures, [], "who waits for it learns it");
  const other = new Heard(["t/#"]).begin();
  for (let i = 0; i < 5; i++) {
    other.at().interrupt(LOST);
    assert.equal(other.at().state, "waiting");
    other.at().request();
  }
  other.at().unanswered(REFUSED);
  assert.equal(other.at().state, "pending", "it has been in force, and is to be again");
});

Deno.test("Feed that was given up knows whether the broker goes on with what it had queued", async () => {
  const [qos1, retained, live] = [
    message("t/a", "1", { qos: 1 }),
    message("t/a", "1", { retain: true }),
    message("t/a", "1"),
  ];
  for (const [sent, expected] of [[qos1, true], [retained, true], [live, false]] as const) {
    const heard = new Heard(["t/#"]).begin();
    const one = heard.at();
    one.leave();
    one.receive(sent);
    assert.equal(one.isStillServed, expected);
    assert.deepEqual(heard.texts, []);
    one.drain();
    // Whoever gave it up need not wait until the broker has ended.
    await one.left;
    const before = one.lastServedMs;
    one.receive(qos1);
    assert.ok(one.lastServedMs >= Math.max(before, 0));
    assert.deepEqual(heard.texts, []);
    one.interrupt(LOST);
    assert.equal(one.state, "gone");
    assert.deepEqual(heard.interruptions, []);
  }
});
