import assert from "node:assert/strict";
import fc from "fast-check";
import { quoteTopic } from "../../lib/topics/topic_text.ts";

Deno.test("quoteTopic() escapes what is invisible or turns the writing round", () => {
  const ranges = [[0, 0x1f], [0x7f, 0x9f], [0x61c, 0x61c], [0x200b, 0x200f], [0x2028, 0x202e]];
  for (
    const [from = 0, to = 0] of [...ranges, [0x2060, 0x2069], [0xfeff, 0xfeff], [0xfffe, 0xffff]]
  ) {
    for (let code = from; code <= to; code++) {
      const quoted = quoteTopic(`a${String.fromCharCode(code)}`);
      assert.match(quoted, /^"a\\([bfnrt]|u[0-9a-f]{4})"$/, code.toString(16));
      assert.equal(JSON.parse(quoted).charCodeAt(1), code);
    }
  }
});

Deno.test("quoteTopic() escapes beyond U+FFFF as a surrogate pair", () => {
  assert.equal(quoteTopic("a\u{e0041}"), String.raw`"a\udb40\udc41"`);
});

Deno.test("quoteTopic() shows every visible character as it is", () => {
  for (const text of ["home/küche", "\u00a0°C", "日本/ש/𝄞", "e\u0301"]) {
    assert.equal(quoteTopic(text), `"${text}"`);
  }
});

Deno.test("quoteTopic() gives a text that JSON reads back, whatever it holds", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
    const quoted = quoteTopic(text);
    assert.equal(JSON.parse(quoted), text);
    assert.doesNotMatch(quoted, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }));
});

Deno.test("quoteTopic() escapes in what it shortens, and counts what is given", () => {
  assert.equal(
    quoteTopic("\u202e" + "a".repeat(200)),
    `"\\u202e${"a".repeat(119)}…" (201 characters)`,
  );
});
