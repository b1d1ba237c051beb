import assert from "node:assert/strict";
import { Rates } from "../../lib/access/rates.ts";
import { Session } from "../../lib/access/session.ts";
import { Permissions } from "../../lib/topics/permissions.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { parseTopicName } from "../../lib/topics/topic_name.ts";
import { until, within } from "../brokers/until.ts";
import { MemoryLog, openConnection, waiting } from "../mqtt/connections.ts";
import {
  connack,
  CONNECT,
  ScriptedBroker,
  suback,
  SUBSCRIBE,
  unsuback,
  UNSUBSCRIBE,
} from "../mqtt/scripted_broker.ts";
import { LIMITS, NO_DEVICES } from "./collecting.ts";

const ALL = new Permissions([
  { pattern: parseTopicFilter("t/#"), permissions: ["read", "write"], deny: [], retain: false },
]);

/** PUBLISH of QoS 0 on t/a in MQTT 5. */
const MESSAGE = [0x30, 6, 0, 3, ...new TextEncoder().encode("t/a"), 0];

/** A broker that says what it holds, and acknowledges a SUBSCRIBE when it is told to. */
class SlowBroker implements AsyncDisposable {
  readonly held = new Set<string>();
  readonly #waiting: Array<() => void> = [];
  readonly #broker = new ScriptedBroker((packet, client) => {
    if (packet.type === CONNECT) client.send(...connack("5"));
    if (packet.type === SUBSCRIBE) {
      this.held.add(new TextDecoder().decode(packet.body.subarray(5, -1)));
      this.#waiting.push(() => client.send(...suback(packet), ...MESSAGE));
    }
    if (packet.type === UNSUBSCRIBE) {
      this.held.delete(new TextDecoder().decode(packet.body.subarray(5)));
      client.send(...unsuback(packet));
    }
  });

  get host(): string {
    return this.#broker.host;
  }

  get port(): number {
    return this.#broker.port;
  }

  acknowledge(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker[Symbol.asyncDispose]();
  }
}

const collect = { ...waiting(), includeRetained: true, resume: true, onMessage: (): void => {} };

const BEGINNING: ReadonlyArray<readonly [string, (session: Session) => Promise<unknown>]> = [
  ["a watch", ({ watches }) => watches.start(["t/a"], collect)],
  ["a call", ({ access }) => access.collect(["t/a"], collect)],
  [
    "a resource",
    ({ updates }) => updates.subscribe(parseTopicName("t/a"), { uri: "u", holder: "h" }),
  ],
];

for (const [what, begin] of BEGINNING) {
  for (const isAcknowledged of [false, true]) {
    const when = isAcknowledged ? "runs" : "waits for its SUBACK";
    Deno.test(`Session leaves nothing subscribed of ${what} that ${when} when the client goes`, async () => {
      await using broker = new SlowBroker();
      await using connection = await openConnection(broker, { version: "5" });
      const session = new Session({
        connection,
        grants: {
          permissions: ALL,
          readOnly: false,
          limits: LIMITS,
          rates: new Rates(0),
          devices: NO_DEVICES,
        },
        configSource: undefined,
        log: new MemoryLog(),
      });
      const begun = begin(session).then(() => "begun", () => "ended");
      await until(() => broker.held.has("t/a"));
      if (isAcknowledged) {
        broker.acknowledge();
        assert.equal(await begun, "begun");
        await until(() => [...session.access.seen].length > 0);
      }
      await session[Symbol.asyncDispose]();
      // Before it would be given up for want of a SUBACK.
      assert.equal(await within(begun, 2_000), isAcknowledged ? "begun" : "ended");
      broker.acknowledge();
      await until(() => broker.held.size === 0, { deadlineMs: 2_000 });
      assert.deepEqual(session.watches.list(), []);
    });
  }
}
