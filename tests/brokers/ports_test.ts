import assert from "node:assert/strict";
import { freePort, holdPort } from "./ports.ts";

const hostname = "127.0.0.1";

/** Throws each number of the list once, and then anything. */
function dice(...numbers: number[]): () => number {
  return () => numbers.shift() ?? Math.random();
}

Deno.test("holdPort() gives a port on which its holder can listen, and listen again", () => {
  using held = holdPort();
  for (let i = 0; i < 2; i++) {
    using listener = Deno.listen({ hostname, port: held.port });
    assert.equal(listener.addr.port, held.port);
  }
});

Deno.test("holdPort() gives no port twice before it is disposed of", () => {
  const number = Math.random();
  using first = holdPort(dice(number));
  using second = holdPort(dice(number, number));
  assert.notEqual(second.port, first.port);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using third = holdPort(dice(number));
  assert.equal(third.port, first.port);
});

Deno.test("holdPort() passes over a port that something else listens on", () => {
  const number = Math.random();
  const { port } = disposed(holdPort(dice(number)));
  using _other = Deno.listen({ hostname, port });
  using held = holdPort(dice(number));
  assert.notEqual(held.port, port);
});

Deno.test("freePort() gives a port that can be listened on, and never one that may be held", () => {
  using held = holdPort(() => 0);
  const port = freePort();
  using listener = Deno.listen({ hostname, port });
  assert.equal(listener.addr.port, port);
  assert.ok(port < held.port);
});

function disposed<T extends Disposable>(resource: T): T {
  resource[Symbol.dispose]();
  return resource;
}
