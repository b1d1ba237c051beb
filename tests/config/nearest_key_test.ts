import assert from "node:assert/strict";
import { nearest } from "../../lib/config/nearest_key.ts";

const keys = ["host", "port", "username", "password", "keepalive", "tls"];
for (
  const [name, expected] of [
    ["pasword", "password"],
    ["passwrod", "password"],
    ["Password", "password"],
    ["keep_alive", "keepalive"],
    ["hots", "host"],
    ["prot", "port"],
    ["tsl", "tls"],
    ["user_name", "username"],
    ["colour", undefined],
    ["tab", undefined],
    ["x", undefined],
    ["", undefined],
    ["x".repeat(100_000), undefined],
  ] as const
) {
  Deno.test(`nearest() of ${JSON.stringify(name.slice(0, 20))} is ${expected}`, () => {
    assert.equal(nearest(name, keys), expected);
  });
}
