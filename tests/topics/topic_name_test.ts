import assert from "node:assert/strict";
import fc from "fast-check";
import { McpMqttError } from "../../lib/errors.ts";
import { parseTopicName } from "../../lib/topics/topic_name.ts";

function refusal(text: string): McpMqttError {
  try {
    parseTopicName(text);
  } catch (error) {
    if (error instanceof McpMqttError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text.slice(0, 50))} was not refused`);
}

const BROKEN: readonly [what: string, text: string, clause: string][] = [
  ["no character", "", "MQTT-4.7.3-1"],
  ["U+0000", "a/\0", "MQTT-4.7.3-2"],
  ["+ as a level", "a/+", "MQTT-3.3.2-2"],
  ["+ within a level", "a+b", "MQTT-3.3.2-2"],
  ["# as a level", "a/#", "MQTT-3.3.2-2"],
  ["# within a level", "#a", "MQTT-3.3.2-2"],
  ["a control character", "a/\u0001", "MQTT 5.0 §1.5.4"],
  ["a line break", "a\nb", "MQTT 5.0 §1.5.4"],
  ["U+001F", "\u001f", "MQTT 5.0 §1.5.4"],
  ["U+007F", "a\u007f", "MQTT 5.0 §1.5.4"],
  ["U+009F", "a\u009fb", "MQTT 5.0 §1.5.4"],
  ["the noncharacter U+FFFF", "a\uffff", "MQTT 5.0 §1.5.4"],
  ["the noncharacter U+FDD0", "\ufdd0", "MQTT 5.0 §1.5.4"],
  ["the noncharacter U+10FFFE", "a/\u{10fffe}", "MQTT 5.0 §1.5.4"],
  ["a lone high surrogate", "a/\ud800", "MQTT-1.5.4-1"],
  ["a lone low surrogate", "\udc00a", "MQTT-1.5.4-1"],
  ["surrogates in the wrong order", "\udc00\ud800", "MQTT-1.5.4-1"],
  ["65,536 bytes", "a".repeat(65_536), "MQTT-4.7.3-3"],
  ["65,536 bytes in 32,768 characters", "é".repeat(32_768), "MQTT-4.7.3-3"],
  ["65,538 bytes in 21,846 characters", "€".repeat(21_846), "MQTT-4.7.3-3"],
  ["65,536 bytes in 16,384 code points", "𝄞".repeat(16_384), "MQTT-4.7.3-3"],
];

for (const [what, text, clause] of BROKEN) {
  Deno.test(`parseTopicName() refuses ${what} [${clause}]`, () => {
    const error = refusal(text);
    assert.equal(error.code, "invalid_topic");
    assert.match(error.message, new RegExp(`\\[${clause}\\]$`));
    assert.ok(error.hint);
  });
}

const VALID: readonly [what: string, text: string][] = [
  ["a space", " "],
  ["empty levels", "//"],
  ["one separator", "/"],
  ["a $ at the beginning", "$SYS/uptime"],
  ["the neighbours of control characters", " ~\u00a0"],
  ["the neighbours of noncharacters", "\ufdcf\ufdf0\ufffd\u{1fffd}\ue000"],
  ["invisible characters", "a\u200b\u202e\u2066\ufeff"],
  ["surrogate pairs", "a/𝄞"],
  ["65,535 bytes", "a".repeat(65_535)],
  ["65,535 bytes in fewer characters", "é".repeat(32_767) + "a"],
  ["65,535 bytes in 21,845 characters", "€".repeat(21_845)],
  ["65,536 levels", "/".repeat(65_535)],
];

for (const [what, text] of VALID) {
  Deno.test(`parseTopicName() takes ${what} as it is`, () => {
    assert.equal(parseTopicName(text), text);
  });
}

Deno.test("parseTopicName() names the value, quoted as in JSON", () => {
  assert.equal(
    refusal('a"\\/#').message,
    String
      .raw`"a\"\\/#" is not a valid topic name: it must not contain the wildcard characters + and # [MQTT-3.3.2-2]`,
  );
});

Deno.test("parseTopicName() shortens a long value, and says its length and its bytes", () => {
  const { message } = refusal("é".repeat(40_000));
  assert.ok(message.startsWith(`"${"é".repeat(120)}…" (40,000 characters)`), message);
  assert.match(message, /at most 65,535 bytes in UTF-8 and has 80,000 /);
});

Deno.test("parseTopicName() shortens without cutting a surrogate pair", () => {
  const { message } = refusal("a" + "𝄞".repeat(100) + "#");
  assert.ok(message.startsWith(`"a${"𝄞".repeat(59)}…" (202 characters)`), message);
});

Deno.test("parseTopicName() names the control character", () => {
  assert.equal(
    refusal("a\u001b[2K").message,
    String
      .raw`"a\u001b[2K" is not a valid topic name: it must not contain the control character U+001B [MQTT 5.0 §1.5.4]`,
  );
});

Deno.test("parseTopicName() names the noncharacter", () => {
  assert.match(refusal("\u{1ffff}").message, /: it must not contain the noncharacter U\+1FFFF \[/);
});

Deno.test("parseTopicName() does not normalise", () => {
  assert.notEqual(parseTopicName("\u00e9"), parseTopicName("e\u0301"));
});

Deno.test("parseTopicName() refuses exactly what the clauses name", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), (a, b) => {
    for (const text of [a, b, a + b, `${a}/${b}`]) {
      const isValid = text !== "" && !/[\p{Cc}\p{Noncharacter_Code_Point}+#]/u.test(text) &&
        text.isWellFormed();
      if (isValid) assert.equal(parseTopicName(text), text);
      else assert.equal(refusal(text).code, "invalid_topic");
    }
  }));
});
