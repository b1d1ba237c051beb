/** What the writer does when time is up, a call ends or a link is lost: over links that are none. */

import assert from "node:assert/strict";
import { McpMqttError } from "../../lib/errors.ts";
import type { LastingLink } from "../../lib/mqtt/link/lasting_link.ts";
import { type Link, LinkLost } from "../../lib/mqtt/link/link.ts";
import { Writer } from "../../lib/mqtt/writing/writer.ts";
import { ManualTimers, settled } from "../manual_timers.ts";
import { MemoryLog, publication, rejection, waiting } from "./connections.ts";

const PUBLISH_MS = 10_000;
const CONNECT_MS = 20_000;

/** A link on which the test answers. */
class StubLink {
  readonly protocolVersion = "5";
  readonly limits = {
    receiveMaximum: 1,
    maximumQos: 2,
    retainAvailable: true,
    maximumPacketSize: undefined,
  };
  readonly sent: string[] = [];
  readonly answers: Array<PromiseWithResolvers<number>> = [];
  readonly #end = Promise.withResolvers<never>();
  isOpen = true;
  hasUnwritten = false;
  destroyed = 0;

  constructor() {
    this.#end.promise.catch(() => {});
  }

  orLost<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {});
    return Promise.race([promise, this.#end.promise]);
  }

  publish({ topic }: { readonly topic: string }): Promise<number> {
    this.sent.push(topic);
    const answer = Promise.withResolvers<number>();
    this.answers.push(answer);
    return this.orLost(answer.promise);
  }

  destroy(): void {
    this.destroyed++;
  }

  lose(): void {
    this.isOpen = false;
    this.#end.reject(new LinkLost({ reasonCode: undefined, cause: "gone" }));
  }
}

/** A writer over the link that is open, if one is. */
class Scene {
  link: StubLink | undefined = new StubLink();
  readonly log = new MemoryLog();
  readonly waits: number[] = [];
  starts = 0;
  readonly writer: Writer;

  constructor() {
    const lasting = {
      start: () => this.starts++,
      ready: (timeoutMs: number, signal: AbortSignal): Promise<Link> => {
        this.waits.push(timeoutMs);
        const { link } = this;
        return new Promise((resolve, reject) => {
          if (link?.isOpen) resolve(link as unknown as Link);
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
      notConnected: () => new McpMqttError("not_connected", "no connection"),
    };
    Object.defineProperty(lasting, "link", { get: () => this.link });
    this.writer = new Writer({
      lasting: lasting as unknown as LastingLink,
      log: this.log,
      connectTimeoutMs: CONNECT_MS,
      publishMs: PUBLISH_MS,
    });
  }

  publish(topic: string, options: Partial<Parameters<Writer["publish"]>[1]> = {}): Promise<number> {
    return this.writer.publish(publication(topic, "x", { qos: 1 }), { ...waiting(), ...options });
  }

  get open(): StubLink {
    assert.ok(this.link);
    return this.link;
  }
}

Deno.test("Writer leaves the connection alone when a message that has left is not acknowledged", async () => {
  using timers = new ManualTimers();
  for (const hasUnwritten of [false, true]) {
    const scene = new Scene();
    const failed = rejection(scene.publish("a"));
    await settled();
    scene.open.hasUnwritten = hasUnwritten;
    timers.pass(PUBLISH_MS);
    const { code, outcome } = await failed;
    assert.deepEqual([code, outcome], ["timeout", "unknown"]);
    assert.equal(scene.open.destroyed, hasUnwritten ? 1 : 0);
  }
});

Deno.test("Writer waits for the connection for two seconds at least, and no longer than for an answer", async () => {
  using timers = new ManualTimers();
  for (const [waitMs, lateMs] of [[1, 2_000], [60_000, PUBLISH_MS]] as const) {
    const scene = new Scene();
    scene.link = undefined;
    let hasFailed = false;
    const failed = rejection(scene.publish("a", { waitMs }));
    failed.then(() => hasFailed = true);
    await settled();
    timers.pass(lateMs - 1);
    await settled();
    assert.equal(hasFailed, false);
    timers.pass(1);
    const { code, outcome } = await failed;
    assert.deepEqual([code, outcome], ["not_connected", "not_sent"]);
    assert.equal(scene.starts, 1);
    assert.ok((scene.waits[0] ?? 0) <= Math.min(Math.max(waitMs, 2_000), CONNECT_MS));
  }
});

Deno.test("Writer sends what waits for a place over the next link if the one it waits on is lost", async () => {
  using _timers = new ManualTimers();
  const scene = new Scene();
  const { open: first } = scene;
  const unknown = rejection(scene.publish("a"));
  const published = scene.publish("b");
  await settled();
  assert.deepEqual(first.sent, ["a"]);
  scene.link = new StubLink();
  first.lose();
  assert.equal((await unknown).outcome, "unknown");
  await settled();
  assert.deepEqual([first.sent, scene.open.sent], [["a"], ["b"]]);
  scene.open.answers[0]?.resolve(0);
  assert.equal(await published, 0);
});

for (let turns = 0; turns < 12; turns++) {
  Deno.test(`Writer sends nothing of a call that ends ${turns} turns after its place is free`, async () => {
    using timers = new ManualTimers();
    const scene = new Scene();
    const { open: link } = scene;
    const first = scene.publish("first");
    const call = new AbortController();
    let isSent = false;
    const ended = scene.publish("ended", { signal: call.signal, onSent: () => isSent = true });
    const last = scene.publish("last");
    await settled();
    link.answers[0]?.resolve(0);
    for (let i = 0; i < turns; i++) await Promise.resolve();
    const wasSent = isSent;
    call.abort(new Error("the call is over"));
    await assert.rejects(ended, /the call is over/);
    for (let i = 0; i < 3; i++) {
      await settled();
      link.answers.at(-1)?.resolve(0);
    }
    await Promise.all([first, last]);
    assert.equal(isSent, wasSent);
    assert.deepEqual(link.sent, wasSent ? ["first", "ended", "last"] : ["first", "last"]);
    assert.equal(timers.pending, 0);
  });
}

Deno.test("Writer logs the beginning of a payload, and how long a long one is", async () => {
  const scene = new Scene();
  const lines: string[] = [];
  scene.log.debug = (text) => void lines.push(typeof text === "string" ? text : text());
  const sent = [
    publication("a", "x".repeat(1_024)),
    publication("b", "y".repeat(1_025), { retain: true }),
    publication("c", new Uint8Array([255]), { isText: false }),
  ];
  for (const one of sent) {
    const publishing = scene.writer.publish(one, waiting());
    await settled();
    scene.open.answers.at(-1)?.resolve(0);
    await publishing;
  }
  assert.deepEqual(lines, [
    `PUBLISH "a", QoS 0: "${"x".repeat(1_024)}"`,
    `PUBLISH "b", QoS 0, retain: "${"y".repeat(1_024)}" … (1025 bytes)`,
    `PUBLISH "c", QoS 0: base64 /w==`,
  ]);
});
