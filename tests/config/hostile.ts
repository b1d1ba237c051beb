/** Configs of about 1 MB that nobody writes by accident, by what is wrong with them. */

const BYTES = 1_000_000;

function filled(part: string, { before = "", after = "" } = {}): string {
  return before + part.repeat(BYTES / part.length) + after;
}

function numbered(part: (at: number) => string, { before = "", after = "" } = {}): string {
  const count = Math.floor(BYTES / part(100_000).length);
  return before + Array.from({ length: count }, (_, at) => part(at)).join("") + after;
}

const TOPICS = { before: '{ "topics": [', after: "] }" };
const PATTERN = { before: '{ "topics": [{ "permissions": ["read"], "pattern": "', after: '" }] }' };

/** Text by name. */
export const HOSTILE: Readonly<Record<string, string>> = {
  "syntax errors": filled("x "),
  "syntax errors, each on a line": filled("x\n"),
  "commas": filled(",", TOPICS),
  "open brackets": filled("["),
  "closing brackets": filled("]"),
  "open braces with keys": filled('{"a":'),
  "an open comment": filled("*", { before: "/*" }),
  "beginnings of comments": filled("/* "),
  "beginnings of comments and slashes": filled("/*/ "),
  "line comments": filled("//"),
  "slashes": filled("/ "),
  "quotes": filled('"'),
  "escaped quotes": filled('\\"'),
  "an open text of escapes": filled("\\n", { before: '"' }),
  "a text of escapes": filled("\\n", PATTERN),
  "white space before a comma": filled(" ", { before: '{ "mqtt": 1', after: "," }),
  "white space between commas": filled(" ,", { before: "[1", after: "]" }),
  "line breaks": filled("\r"),
  "one key many times": filled('"k":1,', { before: "{", after: "}" }),
  "unknown keys": numbered((at) => `"k${at}":1,`, { before: "{", after: "}" }),
  "unknown keys far below": numbered((at) => `"pasword${at}":1,`, {
    before: '{ "mqtt": { "tls": {',
    after: "}}}",
  }),
  "a long key": filled("k", { before: '{ "', after: '": 1 }' }),
  "empty topics": filled("{},", TOPICS),
  "numbers for topics": filled("1,", TOPICS),
  "numbers for permissions": filled("1,", {
    before: '{ "topics": [{ "pattern": "a", "permissions": [',
    after: "] }] }",
  }),
  "bad patterns": filled('{"pattern":"#a","permissions":["read"]},', TOPICS),
  "a long pattern": filled("a/", PATTERN),
  "a pattern of wildcards": filled("+/", PATTERN),
  "references to variables": numbered((at) => `"\${env:MCPMQTT_${at}}",`, TOPICS),
  "references to files": numbered((at) => `"\${file:no${at}}",`, TOPICS),
  "one reference many times": filled('"${file:no}",', TOPICS),
  "beginnings of references": filled("${", PATTERN),
  "a host of percent signs": filled("%", { before: '{ "mqtt": { "host": ":', after: '\\n" } }' }),
  "a host of brackets": filled("[", { before: '{ "mqtt": { "host": "', after: '" } }' }),
  "a URL of slashes": filled("/", { before: '{ "mqtt": { "url": "mqtt:', after: '" } }' }),
  "a URL of at signs": filled("@", { before: '{ "mqtt": { "url": "mqtt://', after: '/" } }' }),
  "a PEM text of beginnings": filled("-----BEGIN ", {
    before: '{ "mqtt": { "transport": "tls", "tls": { "key": "',
    after: '", "cert": null } } }',
  }),
  "a salt of letters": filled("A", {
    before: '{ "remote_server": { "api_key_kdf": { "hash": "aGFzaA==", "salt": "',
    after: '!" } } }',
  }),
};
