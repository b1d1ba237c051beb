import assert from "node:assert/strict";
import { parsed, textOf } from "../../lib/messages/decoded.ts";
import { parseJson } from "../../lib/messages/json.ts";
import { contentOf, placesOf } from "../../lib/messages/payload.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("parsed() parses a payload once, however many look at it, and for each parser", () => {
  const texts: string[] = [];
  const parse = (text: string): string => {
    texts.push(text);
    return text.toUpperCase();
  };
  const payload = bytes("on");
  for (let session = 0; session < 100; session++) {
    assert.equal(contentOf(payload, parse), "ON");
    assert.equal(placesOf(payload, parse)?.([]), "ON");
    assert.equal(parsed(payload, parseJson), undefined);
  }
  assert.deepEqual(texts, ["on"]);
  assert.equal(contentOf(bytes("on"), parse), "ON");
  assert.equal(texts.length, 2, "an equal payload is another one");
});

Deno.test("parsed() remembers that there is nothing, and textOf() what is binary", () => {
  let parses = 0;
  const parse = (): undefined => void parses++;
  const text = bytes("{");
  for (let i = 0; i < 3; i++) assert.equal(contentOf(text, parse), "{");
  assert.equal(parses, 1);
  const binary = Uint8Array.of(0xFF);
  for (let i = 0; i < 3; i++) assert.equal(contentOf(binary, parse), undefined);
  assert.equal(parses, 1);
  assert.equal(textOf(bytes("\uFEFFa")), "\uFEFFa");
});

Deno.test("parsed() remembers a bounded number of bytes, the latest first", () => {
  let parses = 0;
  const parse = (): number => ++parses;
  const payloads = Array.from({ length: 30 }, (_, i) => bytes("x".repeat(50_000) + i));
  for (const payload of payloads) parsed(payload, parse);
  const [first, last] = [payloads[0], payloads.at(-1)];
  assert.ok(first && last);
  assert.equal(parsed(last, parse), 30);
  assert.equal(parsed(first, parse), 31, "it was forgotten");
  const huge = bytes("x".repeat(2_000_000));
  assert.equal(parsed(huge, parse), 32);
  assert.equal(parsed(huge, parse), 33, "it is too large to be remembered");
  assert.equal(parsed(last, parse), 30, "nothing was forgotten for it");
  const small = Array.from({ length: 5_000 }, () => bytes(""));
  for (const payload of small) textOf(payload);
  assert.equal(parsed(last, parse), 34, "small ones take room too");
});
