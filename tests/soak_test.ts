import assert from "node:assert/strict";
import { Ear } from "../scripts/soak/ear.ts";
import { Ledger } from "../scripts/soak/ledger.ts";

/** So many that each version of the protocol has its round; `deno task soak` has the long ones. */
const OPERATIONS = 160;
const MESSAGE = { topic: "s/a/1", qos: 1, retain: false } as const;

Deno.test("a short soak loses, doubles, and leaves behind nothing", async () => {
  // In a process of its own, whose memory no other test makes grow. It says its seed.
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=test", "scripts/soak/main.ts", "--operations", String(OPERATIONS)],
    cwd: `${import.meta.dirname}/..`,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const told = decoder.decode(stdout) + decoder.decode(stderr);
  assert.equal(code, 0, told);
  assert.match(told, /^deno task soak --operations \d+ --seed \d+$/m);
  assert.match(told, /^Nothing lost, doubled or left behind\.$/m);
  assert.match(told, /^faults: .*\d/m);
  const [, operations = 0] = /^(\d+) operations, /m.exec(told) ?? [];
  assert.ok(Number(operations) >= OPERATIONS, told);
});

/** An ear for `s/a/+` that is in force. */
function openEar({ resume = true, includeRetained = false } = {}): { ledger: Ledger; ear: Ear } {
  const ledger = new Ledger();
  const ear = new Ear(ledger, { name: "ear", topics: ["s/a/+"], includeRetained, resume });
  ear.inForce(["s/a/+"]);
  return { ledger, ear };
}

Deno.test("Ear misses what was acknowledged while it was in force, unless it was interrupted", () => {
  const { ledger, ear } = openEar();
  const sent = ledger.begin(MESSAGE);
  assert.deepEqual(ear.missing(), []);
  ledger.end(sent, "acknowledged");
  assert.deepEqual(ear.missing(), [sent]);
  ear.interrupted();
  assert.deepEqual(ear.missing(), []);
});

Deno.test("Ear misses again what comes after the message that ends an interruption", () => {
  const { ledger, ear } = openEar();
  ear.interrupted();
  const [unheard, first] = [ledger.begin(MESSAGE), ledger.begin(MESSAGE)];
  ear.hear({ topic: first.topic, payload: first.id, retain: false });
  const second = ledger.begin(MESSAGE);
  for (const sent of [unheard, first, second]) ledger.end(sent, "acknowledged");
  assert.deepEqual(ear.missing(), [second]);
  assert.deepEqual(ledger.violations, []);
});

Deno.test("Ear misses the message that the broker keeps, where it asked for it", () => {
  const ledger = new Ledger();
  const kept = ledger.begin({ ...MESSAGE, retain: true });
  ledger.end(kept, "acknowledged");
  for (const includeRetained of [true, false]) {
    const options = { name: "ear", topics: ["s/#"], includeRetained, resume: true };
    const ear = new Ear(ledger, options);
    ear.inForce(["s/#"]);
    assert.deepEqual(ear.missing(), includeRetained ? [kept] : []);
  }
});

Deno.test("Ear complains of what must not be heard", () => {
  const cases: ReadonlyArray<readonly [RegExp, (ledger: Ledger, ear: Ear) => void]> = [
    [/heard twice/, (ledger, ear) => {
      const { id, topic } = ledger.begin(MESSAGE);
      for (let i = 0; i < 2; i++) ear.hear({ topic, payload: id, retain: false });
    }],
    [/nobody published/, (_, ear) => ear.hear({ topic: "s/a/1", payload: "m9", retain: false })],
    [/did not ask for/, (ledger, ear) => {
      const { id, topic } = ledger.begin({ ...MESSAGE, topic: "s/b/1" });
      ear.hear({ topic, payload: id, retain: false });
    }],
    [/unwanted retained/, (ledger, ear) => {
      const { id, topic } = ledger.begin({ ...MESSAGE, retain: true });
      ear.hear({ topic, payload: id, retain: true });
    }],
    [/after its end/, (ledger, ear) => {
      const { id, topic } = ledger.begin(MESSAGE);
      ear.close();
      ear.hear({ topic, payload: id, retain: false });
    }],
    [/after it was interrupted/, (ledger, ear) => {
      const { id, topic } = ledger.begin(MESSAGE);
      ear.interrupted();
      ear.hear({ topic, payload: id, retain: false });
    }],
  ];
  for (const [complaint, offend] of cases) {
    const { ledger, ear } = openEar({ resume: false });
    offend(ledger, ear);
    assert.match(ledger.violations.join("\n"), complaint);
  }
});

Deno.test("Ledger complains of a message that was not sent, or came twice, and knows the unseen", () => {
  const ledger = new Ledger();
  const [notSent, twice, unseen] = [MESSAGE, MESSAGE, MESSAGE].map((one) => ledger.begin(one));
  assert.ok(notSent && twice && unseen);
  ledger.end(notSent, "not_sent");
  ledger.end(twice, "acknowledged");
  ledger.end(unseen, "acknowledged");
  for (const { id } of [notSent, twice, twice]) ledger.seenAtBroker(id);
  assert.match(ledger.violations[0] ?? "", /not_sent/);
  assert.match(ledger.violations[1] ?? "", /2 times/);
  assert.equal(ledger.violations.length, 2);
  assert.deepEqual(ledger.unseen(), [unseen]);
});
