import assert from "node:assert/strict";
import { type JSONRPCMessage, SUBSCRIPTION_ID_META_KEY } from "@modelcontextprotocol/server";
import { Updates } from "../../lib/access/updates.ts";
import { Listening } from "../../lib/mcp/listen.ts";
import { StubAccess } from "../access/collecting.ts";
import { ManualTimers, settled } from "../manual_timers.ts";
import { MemoryLog } from "../mqtt/connections.ts";

const LAMP = "mcpmqtt://message/t/lamp";

type Id = string | number;

const listen = (id: Id): JSONRPCMessage => ({ jsonrpc: "2.0", id, method: "subscriptions/listen" });
const cancel = (requestId: Id): JSONRPCMessage => ({
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId },
});
const of = (id: Id): object => ({ _meta: { [SUBSCRIPTION_ID_META_KEY]: id } });
const acknowledgement = (id: Id, uris: readonly string[] = [LAMP]): JSONRPCMessage => ({
  jsonrpc: "2.0",
  method: "notifications/subscriptions/acknowledged",
  params: { ...of(id), notifications: { resourceSubscriptions: [...uris] } },
});
const update = (id: Id): JSONRPCMessage => ({
  jsonrpc: "2.0",
  method: "notifications/resources/updated",
  params: { ...of(id), uri: LAMP },
});

interface Heard {
  readonly stub: StubAccess;
  readonly listening: Listening;
  readonly log: MemoryLog;
}

function heard(): Heard {
  const stub = new StubAccess();
  const log = new MemoryLog();
  return {
    stub,
    log,
    listening: new Listening({
      session: { access: stub.access, updates: new Updates(stub.access, log) },
      audit: undefined,
      log,
    }),
  };
}

async function urisOf(replaced: Promise<JSONRPCMessage | undefined> | undefined): Promise<unknown> {
  const message = await replaced;
  assert.ok(message !== undefined && "params" in message);
  const { notifications } = message.params as never as {
    readonly notifications: { readonly resourceSubscriptions: readonly string[] };
  };
  return notifications.resourceSubscriptions;
}

Deno.test("Listening holds an acknowledgement until the subscription is in force, and updates until then", async () => {
  using _timers = new ManualTimers();
  const { listening, stub } = heard();
  stub.beginsAtOnce = false;
  listening.received(listen(1));
  const order: string[] = [];
  const acknowledged = listening.replace(acknowledgement(1))?.then(() => order.push("ack"));
  const updated = listening.replace(update(1))?.then((message) => {
    assert.deepEqual(message, update(1));
    order.push("update");
  });
  assert.equal(listening.replace(update(2)), undefined, "it is of another request");
  await settled();
  assert.deepEqual(order, []);
  stub.at().begin();
  await Promise.all([acknowledged, updated]);
  assert.deepEqual(order, ["ack", "update"]);
  assert.equal(listening.replace(update(1)), undefined, "nothing is held any more");
});

Deno.test("Listening says nothing more to a request that is cancelled while it is held", async () => {
  using _timers = new ManualTimers();
  const { listening, stub } = heard();
  stub.beginsAtOnce = false;
  listening.received(listen(1));
  const held = [listening.replace(acknowledgement(1)), listening.replace(update(1))];
  listening.received(cancel(1));
  assert.equal(stub.at().options.signal.aborted, true);
  stub.at().begin();
  assert.deepEqual(await Promise.all(held), [undefined, undefined]);
  assert.equal(stub.at().isDisposed, true);
});

Deno.test("Listening subscribes to nothing for a request that is over, or never was", async () => {
  using _timers = new ManualTimers();
  const { listening, stub } = heard();
  listening.received(listen(1));
  listening.received(cancel(1));
  assert.equal(await listening.replace(acknowledgement(1)), undefined);
  listening.received(listen(2));
  assert.equal(listening.replace({ jsonrpc: "2.0", id: 2, result: {} }), undefined);
  assert.equal(await listening.replace(acknowledgement(2)), undefined);
  assert.equal(stub.collected.length, 0);
});

Deno.test('Listening tells the requests 1 and "1" apart', async () => {
  using _timers = new ManualTimers();
  const { listening, stub } = heard();
  for (const id of [1, "1"]) {
    listening.received(listen(id));
    await listening.replace(acknowledgement(id));
  }
  listening.received(cancel("1"));
  await settled();
  assert.equal(stub.at().isDisposed, false);
  listening.received(cancel(1));
  await settled();
  assert.equal(stub.at().isDisposed, true);
});

Deno.test("Listening acknowledges what it has, and warns of what was refused, not of what has no updates", async () => {
  using _timers = new ManualTimers();
  const { listening, stub, log } = heard();
  stub.forbidden = "secret";
  listening.received(listen(1));
  const uris = [LAMP, "mcpmqtt://status", "mcpmqtt://message/secret"];
  assert.deepEqual(await urisOf(listening.replace(acknowledgement(1, uris))), [LAMP]);
  assert.equal(log.lines.length, 1);
  assert.match(log.lines[0] ?? "", /not granted/);
});
