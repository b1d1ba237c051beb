import assert from "node:assert/strict";
import { Pings } from "../../lib/mqtt/pings.ts";

/** Sends nothing, and counts. */
class Wire {
  sent = 0;
  readonly pings = new Pings(() => this.send());
  readonly done: string[] = [];

  send(): void {
    this.sent++;
    this.pings.sent();
  }

  ask(name: string): void {
    this.pings.allRead().then(() => this.done.push(name));
  }

  async answer(): Promise<void> {
    this.pings.answered();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("Pings settle with the answer to a ping that was sent after the question", async () => {
  const wire = new Wire();
  wire.ask("a");
  assert.equal(wire.sent, 1);
  assert.deepEqual(wire.done, []);
  await wire.answer();
  assert.deepEqual(wire.done, ["a"]);
  wire.ask("b");
  assert.equal(wire.sent, 2);
  await wire.answer();
  assert.deepEqual(wire.done, ["a", "b"]);
});

Deno.test("Pings send one for all that ask while another is under way", async () => {
  const wire = new Wire();
  wire.ask("a");
  wire.ask("b");
  wire.ask("c");
  assert.equal(wire.sent, 1);
  await wire.answer();
  assert.deepEqual(wire.done, ["a"]);
  assert.equal(wire.sent, 2);
  wire.ask("d");
  await wire.answer();
  assert.deepEqual(wire.done, ["a", "b", "c"]);
  assert.equal(wire.sent, 3);
  await wire.answer();
  assert.deepEqual(wire.done, ["a", "b", "c", "d"]);
});

Deno.test("Pings do not take the answer to a Keep Alive for theirs", async () => {
  const wire = new Wire();
  wire.send();
  wire.ask("a");
  await wire.answer();
  assert.deepEqual(wire.done, []);
  await wire.answer();
  assert.deepEqual(wire.done, ["a"]);
});

Deno.test("Pings ignore an answer to nothing", async () => {
  const wire = new Wire();
  await wire.answer();
  wire.ask("a");
  assert.deepEqual(wire.done, []);
  await wire.answer();
  assert.deepEqual(wire.done, ["a"]);
});
