import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/load.ts";
import {
  type ByteSource,
  collect,
  decodeUtf8,
  UnreadableText,
} from "../../lib/config/read_text.ts";
import { fromFileUrl } from "../paths.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const isWindows = Deno.build.os === "windows";

/** Each character as one byte. */
function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function utf16(text: string, { isLittle = true } = {}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < text.length; at++) view.setUint16(at * 2, text.charCodeAt(at), isLittle);
  return bytes;
}

/** What loading a real file of these bytes says; `loaded` where it loads. */
async function said(
  config: Uint8Array<ArrayBuffer> | string,
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {},
): Promise<string> {
  const folder = await Deno.makeTempDir();
  const bytes = typeof config === "string" ? new TextEncoder().encode(config) : config;
  try {
    for (const [name, content] of Object.entries({ ...files, "c.json": bytes })) {
      await Deno.writeFile(`${folder}/${name}`, content);
    }
    return await messageOf(`${folder}/c.json`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function messageOf(path: string): Promise<string> {
  try {
    await loadConfig({ path });
    return "loaded";
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.replaceAll(path.replace(/[^/\\]*$/, ""), "");
  }
}

const DENY = '{\r\n  "topics": [{ "pattern": "küche/#", "deny": ["read"] }]\r\n}';
for (
  const [what, bytes, position] of [
    ["Latin-1", latin1(DENY), "2:29"],
    ["Latin-1 whose é would begin a character", latin1(DENY.replace("ü", "é")), "2:29"],
    ["UTF-16", utf16(`\ufeff${DENY}`), "1:1"],
    ["UTF-16, big end first", utf16(`\ufeff${DENY}`, { isLittle: false }), "1:1"],
    ["UTF-16 without a byte order mark", utf16(DENY), "1:2"],
    ["UTF-16 without a byte order mark, big end first", utf16(DENY, { isLittle: false }), "1:1"],
    ["UTF-8 that ends within a character", new TextEncoder().encode("{} // ü").slice(0, -1), "1:7"],
    ["UTF-8 with a byte order mark and one bad byte", latin1("\xef\xbb\xbf\r{ \xff }"), "2:3"],
  ] as const
) {
  Deno.test(`loadConfig() refuses ${what}, and says where and what is right`, async () => {
    const isWide = what.startsWith("UTF-16");
    const instead = isWide
      ? "but UTF-16, as Windows PowerShell writes it"
      : "but perhaps Latin-1 (ISO 8859-1)";
    assert.equal(
      await said(bytes),
      `c.json:${position}: is not UTF-8 ${instead}; save it as UTF-8`,
    );
  });
}

Deno.test("loadConfig() takes UTF-8 with a byte order mark, and counts columns after it", async () => {
  assert.equal(await said(`\ufeff${DENY}`), "loaded");
  assert.match(await said('\ufeff{ "mqtt": 1 }'), /^c\.json:1:11: mqtt: must be an object/);
});

Deno.test("decodeUtf8() finds the first bad byte of any text", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "ü", "€", "🏠", "\n", "\r\n", "\r") });
  const bad = fc.constantFrom([0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x8f], [0xc0, 0x80], [0]);
  fc.assert(fc.property(text, bad, text, (before, bytes, after) => {
    const encoder = new TextEncoder();
    const all = [...encoder.encode(before), ...bytes, ...encoder.encode(after)];
    const lines = before.split(/\r\n|\r|\n/);
    const position = { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
    assert.throws(
      () => decodeUtf8(new Uint8Array(all)),
      (error) =>
        error instanceof UnreadableText && assert.deepEqual(error.position, position) ===
          undefined,
    );
    assert.equal(decodeUtf8(encoder.encode(before)), before);
  }));
});

Deno.test("loadConfig() refuses a named file that is not UTF-8, and shows nothing of it", async () => {
  const message = await said('{ "mqtt": { "password": "${file:pass}" } }', {
    pass: latin1("hunter\xfc"),
  });
  assert.equal(
    message,
    "c.json:1:25: mqtt.password: needs the file pass, which cannot be read: " +
      "it is not UTF-8 but perhaps Latin-1 (ISO 8859-1) at line 1, column 7; save it as UTF-8",
  );
  assert.match(
    await said('{ "mqtt": { "transport": "tls", "tls": { "ca": "ca.crt" } } }', {
      "ca.crt": new Uint8Array([0x30, 0x82, 0xff]),
    }),
    /mqtt\.tls\.ca: names the file ca\.crt, which is not PEM$/,
  );
});

Deno.test("loadConfig() reads at most 16 MiB of a config and 1 MiB of a file it names", async () => {
  const big = (bytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(bytes).fill(0x20);
  assert.match(await said(big((16 << 20) + 1)), /^c\.json: .*has more than 16777216 bytes/);
  const named = (bytes: number): Promise<string> =>
    said('{ "mqtt": { "password": "${file:pass}" } }', { pass: big(bytes) });
  assert.match(
    await named((1 << 20) + 1),
    /pass, which cannot be read: it has more than 1048576/,
  );
  assert.match(await named(1 << 20), /must be at most 65535 bytes of UTF-8/);
});

for (const path of ["/dev/zero", "/", "fifo"]) {
  Deno.test({
    name: `loadConfig() refuses \${file:${path}}, a PEM file and a config ${path} at once`,
    ignore: isWindows,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      await new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).output();
      const whole = path === "fifo" ? `${folder}/fifo` : path;
      const text = JSON.stringify({
        mqtt: { password: `\${file:${whole}}`, transport: "tls", tls: { ca: whole } },
      });
      await Deno.writeTextFile(`${folder}/c.json`, text);
      const reason = path === "/" ? "it is a folder" : "it is no regular file";
      const lines = (await messageOf(`${folder}/c.json`)).split("\n");
      assert.equal(lines.length, 2);
      for (const line of [...lines, await messageOf(whole)]) {
        assert.ok(line.includes(`cannot be read: ${reason}`), line);
      }
      await Deno.remove(folder, { recursive: true });
    },
  });
}

for (
  const [how, path, more] of [
    ["bash's <(…)", '<(echo "$CONFIG")', ""],
    ["/dev/stdin", "/dev/stdin", '<<< "$CONFIG"'],
    ["/dev/stdin that is a file", "/dev/stdin", "< c.json"],
  ] as const
) {
  Deno.test({
    name: `loadConfig() reads a config from ${how}`,
    ignore: isWindows,
    fn: async () => {
      const cwd = await Deno.makeTempDir();
      // A secret in a file is asked about: who may read it.
      const mqtt = { username: "u", password: "secret" };
      const config = JSON.stringify({ mqtt, topics: [{ pattern: "a/#", permissions: ["read"] }] });
      await Deno.writeTextFile(`${cwd}/c.json`, config);
      const program = `"$DENO" run -P "$MAIN" explain a/b read --config ${path} ${more}`;
      const { stdout, stderr } = await new Deno.Command("bash", {
        args: ["-c", program],
        cwd,
        env: { DENO: Deno.execPath(), MAIN, CONFIG: config },
      }).output();
      const [out = "", err = ""] = [stdout, stderr].map((all) => new TextDecoder().decode(all));
      assert.match(out, /^read a\/b: allowed by rule 1/, err);
      await Deno.remove(cwd, { recursive: true });
    },
  });
}

Deno.test({
  name: "readTextFile() gives up on a shell's pipe that does not end",
  ignore: isWindows,
  fn: async () => {
    const module = new URL("../../lib/config/read_text.ts", import.meta.url).href;
    const script = `import { readTextFile } from "${module}";
      await readTextFile(Deno.args[0], 10, { pipeMs: 1 }).catch((e) => console.log(e.message));
      Deno.exit();`;
    const { stdout } = await new Deno.Command("bash", {
      args: ["-c", '"$DENO" eval "$SCRIPT" <(exec sleep 5 2> /dev/null)'],
      env: { DENO: Deno.execPath(), SCRIPT: script },
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "it does not end within 0.001 s\n");
  },
});

Deno.test("collect() gives up on a pipe that neither says anything nor ends", async () => {
  const silent = { read: () => new Promise<null>(() => {}) };
  await assert.rejects(
    collect(silent, { maxBytes: 10, timeoutMs: 1 }),
    { name: "UnreadableText", message: "it does not end within 0.001 s" },
  );
});

Deno.test("collect() gives all bytes, in whatever pieces they come, and no more than its bound", async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 70_000, size: "max" }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(pieces, async (parts) => {
      const all = parts.flatMap((part) => [...part]);
      const source = (): ByteSource => {
        let at = 0;
        let piece = 0;
        return {
          read: (into) => {
            if (at >= all.length) return Promise.resolve(null);
            const count = Math.min(into.length, Math.max(1, parts[piece++]?.length ?? 1));
            const bytes = all.slice(at, at + count);
            into.set(bytes);
            at += bytes.length;
            return Promise.resolve(bytes.length);
          },
        };
      };
      const maxBytes = all.length;
      const got = await collect(source(), { maxBytes });
      assert.deepEqual(got, new Uint8Array(all));
      if (maxBytes === 0) return;
      await assert.rejects(
        collect(source(), { maxBytes: maxBytes - 1 }),
        UnreadableText,
      );
    }),
    { numRuns: 30 },
  );
});
