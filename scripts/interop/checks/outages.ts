/**
 * The connection is lost, or the broker is silent, while watches and calls wait.
 *
 * @module
 */
import assert from "node:assert/strict";
import { FaultProxy } from "../../../tests/brokers/proxy.ts";
import { until } from "../../../tests/brokers/until.ts";
import type { Host } from "../../../tests/host.ts";
import type { TestClient } from "../../../tests/brokers/client.ts";
import { type Check, type Context, Deviation } from "../check.ts";
import { publishLast, readToLast, startProgram } from "../program.ts";

const RETAIN = { qos: 1, retain: true } as const;
const DEADLINE_MS = 90_000;
/** For a SUBSCRIBE, over a connection of its own, and its answer. */
const SETTLED_MS = 1_000;
/** Less than a call waits for an answer. */
const SILENCE_MS = 3_000;

interface Scene extends AsyncDisposable {
  readonly host: Host;
  readonly proxy: FaultProxy;
  readonly device: TestClient;
  readonly topic: string;
  /** On the three topics below, on `topic/a`, and on `topic/#`. */
  readonly watches: readonly { readonly watch_id: string }[];
}

const TOPICS = ["a", "b", "c"];

async function scene(context: Context): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const proxy = stack.use(new FaultProxy(context.broker));
  const device = stack.use(await context.device());
  const topic = context.topic();
  for (const one of TOPICS) await device.publish(`${topic}/${one}`, "before", RETAIN);
  const host = stack.use(await startProgram(context, { port: proxy.port }));
  const watches: { readonly watch_id: string }[] = [];
  for (const filter of [TOPICS.map((one) => `${topic}/${one}`), `${topic}/a`, `${topic}/#`]) {
    watches.push(await host.expectResult("mqtt_watch", { topic: filter }));
  }
  const moved = stack.move();
  return {
    host,
    proxy,
    device,
    topic,
    watches,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** Waits until a topic has a value. */
function reads({ host, topic }: Scene, name: string, value: string): Promise<void> {
  const args = {
    topic: `${topic}/${name}`,
    timeout: 60,
    where: { path: "", op: "eq", value },
  };
  const reading = host.expectResult("mqtt_read", args, { timeoutMs: 70_000 });
  // A check that fails before does not wait for it.
  reading.catch(() => {});
  return reading;
}

/** Settles when the watches have what is retained, and what waits is subscribed. */
async function inForce({ host }: Scene): Promise<void> {
  await until(async () => {
    const { watches } = await host.expectResult("mqtt_status");
    return watches[0].received === TOPICS.length;
  });
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
}

/** What the watches of {@linkcode scene} have got, as `topic payload`, and `retained` behind it. */
interface Got {
  readonly named: readonly string[];
  readonly one: readonly string[];
  readonly all: readonly string[];
}

async function readAll({ host, watches, topic }: Scene): Promise<Got> {
  await publishLast(host.expectResult, `${topic}/a`);
  const read: string[][] = [];
  for (const watch of watches) {
    const got = await readToLast(host.expectResult, watch);
    read.push(
      got.map(({ topic: name = "a", payload, retain }) =>
        `${name.split("/").at(-1)} ${payload}${retain ? " retained" : ""}`
      ),
    );
  }
  const [named = [], one = [], all = []] = read;
  return { named, one, all };
}

/** Whether each watch has got the values, in any order. */
function assertGot(
  { named, one, all }: Got,
  { values }: { readonly values: readonly string[] },
): void {
  const sorted = (texts: readonly string[]): string[] =>
    texts.map((text) => text.replace(" retained", "")).toSorted();
  assert.deepEqual(sorted(named), values.toSorted(), "by name");
  assert.deepEqual(sorted(one), values.filter((text) => text.startsWith("a ")), "one topic");
  assertReplayed(all);
  assert.deepEqual(sorted(all), values.toSorted(), "by a wildcard");
}

function assertReplayed(all: readonly string[]): void {
  if (!all.some((text) => text.endsWith(" retained"))) throw new Deviation("noReplayToWildcards");
}

async function reconnected(host: Host, reconnects: number): Promise<void> {
  await until(async () => {
    const status = await host.expectResult("mqtt_status");
    return status.connected && status.reconnects > reconnects;
  }, { deadlineMs: DEADLINE_MS, what: "the connection to come back" });
}

export const OUTAGES: readonly Check[] = [
  {
    name: "Over MCP: a connection lost for a moment: what changed meanwhile, once",
    deadlineMs: DEADLINE_MS,
    async run(context): Promise<void> {
      await using it = await scene(context);
      const { host, proxy, device, topic } = it;
      const reading = reads(it, "b", "meanwhile");
      const waiting = reads(it, "c", "after");
      await inForce(it);
      await proxy.refuse();
      await proxy.cut();
      await device.publish(`${topic}/b`, "meanwhile", RETAIN);
      proxy.accept();
      await reconnected(host, 0);
      await reading;
      await device.publish(`${topic}/c`, "after", RETAIN);
      await waiting;
      const values = ["a before", "b before", "c before", "b meanwhile", "c after"];
      assertGot(await readAll(it), { values });
    },
  },
  {
    name:
      "Over MCP: a connection cut in the middle of a message, 5 times: the last value, none twice",
    deadlineMs: DEADLINE_MS,
    async run(context): Promise<void> {
      await using it = await scene(context);
      const { host, proxy, device, topic } = it;
      let isOver = false;
      let last = 0;
      const publishing = (async () => {
        while (!isOver) {
          last++;
          for (const one of TOPICS) {
            await device.publish(`${topic}/${one}`, String(last), RETAIN);
          }
        }
      })();
      for (let round = 0; round < 5; round++) {
        await proxy.cutAfter(1_234 + 77 * round);
        await reconnected(host, round);
      }
      isOver = true;
      await publishing;
      const { named, one, all } = await readAll(it);
      const order = [...TOPICS, ""].map((name) =>
        name === "" ? orderOf(one, { name: "a", last }) : orderOf(named, { name, last })
      );
      assertReplayed(all);
      order.push(...TOPICS.map((name) => orderOf(all, { name, last })));
      if (order.includes("beside")) throw new Deviation("replayedBeside");
    },
  },
  {
    name: `Over MCP: a broker that is silent for ${
      SILENCE_MS / 1000
    } s: nothing is lost, none twice`,
    deadlineMs: DEADLINE_MS,
    async run(context): Promise<void> {
      await using it = await scene(context);
      const { host, proxy, device, topic } = it;
      const reading = reads(it, "b", "meanwhile");
      await inForce(it);
      proxy.stall();
      await device.publish(`${topic}/b`, "meanwhile", RETAIN);
      const publishing = host.expectResult("mqtt_publish", {
        topic: `${topic}/c`,
        payload: "in silence",
        qos: 1,
      });
      publishing.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
      proxy.resume();
      await reading;
      assert.equal((await publishing).outcome, "acknowledged");
      const values = ["a before", "b before", "c before", "b meanwhile", "c in silence"];
      assertGot(await readAll(it), { values });
    },
  },
  {
    name: "Over MCP: the broker is killed and started again: watches and calls go on",
    deadlineMs: DEADLINE_MS,
    async run(context): Promise<void> {
      await using it = await scene(context);
      const { host, topic, device } = it;
      const reading = reads(it, "b", "after");
      await inForce(it);
      await device.close();
      await context.broker.restart();
      await using again = await context.device();
      await again.publish(`${topic}/b`, "after", RETAIN);
      await reconnected(host, 0);
      await reading;
      const values = ["a before", "b before", "c before", "b after"];
      assertGot(await readAll(it), { values });
    },
  },
];

/**
 * Whether the values of a topic rose to the last, or only retained ones came beside live ones.
 *
 * @throws where the last one is missing, or a live one came twice or too late
 */
function orderOf(
  got: readonly string[],
  { name, last }: { readonly name: string; readonly last: number },
): "ordered" | "beside" {
  const values = got.filter((text) => text.startsWith(`${name} `))
    .map((text) => text.split(" "))
    .filter(([_name, value]) => value !== "before");
  const all = values.map(([_name, value]) => Number(value));
  assert.equal(Math.max(...all), last, `the last value of ${name}`);
  if (fallIn(all) === undefined) return "ordered";
  const live = values.filter(([_name, _value, retained]) => retained === undefined);
  const fall = fallIn(live.map(([_name, value]) => Number(value)));
  assert.equal(fall, undefined);
  return "beside";
}

function fallIn(numbers: readonly number[]): string | undefined {
  const at = numbers.findIndex((n, i) => i > 0 && n <= (numbers[i - 1] ?? 0));
  return at < 0 ? undefined : `${numbers[at]} after ${numbers[at - 1]}`;
}
