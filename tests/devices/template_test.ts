import assert from "node:assert/strict";
import * as fc from "fast-check";
import { conditionalOf, readingOf } from "../../lib/devices/template.ts";
import { TIMED_RETRIES } from "../brokers/until.ts";

Deno.test("readingOf() reads the whole payload without a template", () => {
  for (const template of [undefined, "", " \n\t "]) {
    assert.deepEqual(readingOf("a/b", template), { topic: "a/b" });
  }
});

Deno.test("readingOf() finds the place that a template is a path to", () => {
  const paths: Readonly<Record<string, string | undefined>> = {
    "{{ value }}": undefined,
    "{{value}}": undefined,
    "{{ value_json }}": undefined,
    "{{ value_json.a }}": "/a",
    "{{value_json.a}}": "/a",
    "  {{- value_json.a -}}\n": "/a",
    "{{+ value_json.a +}}": "/a",
    "{{\nvalue_json.a\n}}": "/a",
    '{{ value_json["a"] }}': "/a",
    "{{ value_json['a'] }}": "/a",
    '{{ value_json.a["b"][0].c }}': "/a/b/0/c",
    "{{ value_json[0] }}": "/0",
    "{{ value_json.0.a }}": "/0/a",
    "{{ value_json[ 'a b' ] }}": "/a b",
    "{{ value_json['a/b~c'] }}": "/a~1b~0c",
    "{{ value_json['value_json.x'] }}": "/value_json.x",
    "{{ value_json['value'].value }}": "/value/value",
    "{{ value_json['}}'] }}": "/}}",
    "{{ value_json[''] }}": "/",
    "{{ value_json._a1 }}": "/_a1",
    "{{ value_json.température }}": "/température",
    "{{ value_json['__proto__'] }}": "/__proto__",
  };
  for (const [template, path] of Object.entries(paths)) {
    assert.deepEqual(
      readingOf("t", template),
      path === undefined ? { topic: "t" } : { topic: "t", path },
      template,
    );
  }
});

Deno.test("readingOf() says that the value at the only path is converted", () => {
  const paths: Readonly<Record<string, string | undefined>> = {
    "{{ value | int }}": undefined,
    "{{ value|upper }}": undefined,
    "{{ value_json | tojson }}": undefined,
    "{{ value_json.a | round(1) }}": "/a",
    "{{ value_json.a|lower }}": "/a",
    "{{ value_json.a }} %": "/a",
    "about {{ value_json.a }}": "/a",
    "{{ value_json.a * 2 }}": "/a",
    "{{ 2 - value_json.a }}": "/a",
    "{{ (value_json.a) }}": "/a",
    "{{ value_json.a }}{{ value_json['a'] }}": "/a",
    "{% if value_json.a %}true{% else %}false{% endif %}": "/a",
    "{%- if value_json.a is defined -%}{{ value_json.a }}{%- endif -%}": "/a",
    "{{ 'on' if value_json.a == 'x' else 'off' }}": "/a",
    "{{ {'1': 'one', '2': 'two'}[value_json.a] }}": "/a",
    "{% set m = {'x': 'y'} %}{{ m[value_json.a] if value_json.a in m else 'z' }}": "/a",
    "{{ value_json.a.lower() }}": "/a",
    "{{ value_json.a.lower () }}": "/a",
    "{{ value_json['a'].get('b', 0) }}": "/a",
    "{{ value_json.a[-1] }}": "/a",
    "{{ value_json.a[i] }}": "/a",
    // What stands in quotes, beside an expression or in a comment is no path.
    "{{ 'value_json.x' ~ value_json.a }}": "/a",
    '{{ "value" if value_json.a else "value_json" }}': "/a",
    "{{ 'it\\'s value_json.x' ~ value_json.a }}": "/a",
    '{{ "\\"value" ~ value_json.a }}': "/a",
    "{{ '}} value_json.x' ~ value_json.a }}": "/a",
    "value_json.x {{ value_json.a }} value": "/a",
    '{"value": "{{ value_json.a }}"}': "/a",
    "it's {{ value_json.a }}, isn't it": "/a",
    "{# value_json.x #}{{ value_json.a }}": "/a",
    "{{ value_json.a }}{# {{ value }} #}": "/a",
    "{# it's #}{{ value_json.a }}{# '": "/a",
    "{ {{ value_json.a }} }": "/a",
    // Other names.
    "{{ value_jsonx + xvalue + my.value + value_json.a }}": "/a",
    "{{ evaluate(this.value_json.x) + value_json.a }}": "/a",
  };
  for (const [template, path] of Object.entries(paths)) {
    const expected = { topic: "t", ...path === undefined ? {} : { path }, converted: true };
    assert.deepEqual(readingOf("t", template), expected, template);
  }
});

Deno.test("readingOf() shows a template that has several paths, or none", () => {
  const templates = [
    "{{ now() }}",
    "online",
    "{{ 'value' }}",
    "{{ 'it }} value_json.x",
    "{# value #}",
    "value_json.a",
    "{{ value_json.a }} {{ value_json.b }}",
    "{{ value_json.a + value_json.a.b }}",
    "{{ value if value_json.a else 0 }}",
    "{% if value_json.a %}{{ value_json['b'] }}{% endif %}",
    // Into the payload, but by what is no path.
    "{{ value_json.get('a') }}",
    "{{ value_json[key] }}",
    "{{ value_json[-1] }}",
    "{{ value_json['a' ~ 'b'] }}",
  ];
  for (const template of templates) {
    assert.deepEqual(readingOf("t", template), { topic: "t", template }, template);
  }
});

Deno.test("readingOf() shows little of a long template, on one line", () => {
  const { template = "", ...rest } = readingOf(
    "t",
    `{{ value_json.a }}\n\u202e${"x".repeat(5_000)}`,
  );
  assert.deepEqual(rest, { topic: "t" });
  assert(template.startsWith("{{ value_json.a }}\\n\\u202exx"), template);
  assert(template.length < 220, template);
  const longest = `{{ value_json.a }}${" ".repeat(4_078)}`;
  assert.equal(readingOf("t", `${longest.trim()}${"x".repeat(4_096 - 18)}`).path, "/a");
  assert.equal(readingOf("t", `${longest.trim()}${"x".repeat(4_097 - 18)}`).path, undefined);
});

Deno.test("conditionalOf() reads one of two texts by whether a value is true, and nothing else", () => {
  assert.deepEqual(
    conditionalOf("t", "{{'online' if value_json.value else 'offline'}}"),
    { place: { topic: "t", path: "/value" }, whenTrue: "online", whenFalse: "offline" },
  );
  assert.deepEqual(
    conditionalOf("t", ' {{- "a b"  if value_json["x"].y\nelse "" -}} '),
    { place: { topic: "t", path: "/x/y" }, whenTrue: "a b", whenFalse: "" },
  );
  const others = [
    "{{ 'online' if not value_json.value else 'offline' }}",
    "{{ 'online' if value_json.value == 1 else 'offline' }}",
    "{{ 'online' if value_json.value else offline }}",
    "{{ 'online' if value_json.value }}",
    "{{ 'online' if value else 'offline' }}",
    "{{ 'on\\'line' if value_json.value else 'offline' }}",
    "{{ 'online\" if value_json.value else 'offline' }}",
    "x{{ 'online' if value_json.value else 'offline' }}",
    "{{ 'online' if value_json.value else 'offline' }}x",
    `{{ 'online' if value_json.value else '${"x".repeat(4_096)}' }}`,
    "",
  ];
  for (const template of others) assert.equal(conditionalOf("t", template), undefined, template);
});

/** Texts in which what is looked for begins again and again, and never ends. */
const HOSTILE = [
  "{{ ",
  "{% ",
  "{#",
  "}}",
  "}}{",
  "}}{#",
  "'",
  '"',
  "\\'",
  "\\",
  "'\"",
  "value",
  "value_json",
  "value_json.",
  "value_json.a",
  "value_json[",
  "value_json['",
  "value_json[ ",
  ".a",
  "['a']",
  "[ 'a' ]",
  "[0]",
  " ",
  "\n",
  "a",
  "é",
  " if ",
  " else ",
  "(",
];

Deno.test("readingOf() and conditionalOf() take no time for templates made to take long", {
  retry: TIMED_RETRIES,
}, () => {
  for (const start of ["", "{{ ", "{{ value_json", "{{ 'a' if value_json", "{{ value_json.a"]) {
    for (const repeated of HOSTILE) {
      for (const end of ["", " }}", "!", "'"]) {
        const text = start + repeated.repeat(4_000 / repeated.length) + end;
        const startedAt = performance.now();
        readingOf("t", text);
        conditionalOf("t", text);
        const tookMs = performance.now() - startedAt;
        assert(tookMs < 100, `${start}(${repeated})*${end} took ${tookMs} ms`);
      }
    }
  }
});

Deno.test("readingOf() never throws, and gives a place or a template", () => {
  const piece = fc.constantFrom(...HOSTILE, "{{", "}}", "value", "x", "#}", "%}", "\u2028", "🙂");
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    const text = pieces.join("");
    const { topic, path, template, converted } = readingOf("t", text);
    assert.equal(topic, "t");
    assert(template === undefined || (path === undefined && converted === undefined));
    if (path !== undefined) assert(path.startsWith("/"));
    conditionalOf("t", text);
  }));
});
