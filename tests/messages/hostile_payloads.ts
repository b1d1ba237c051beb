/** Payloads that somebody made to be expensive, by what is expensive about them. */

const encoder = new TextEncoder();

/** Makes a payload of about so many bytes. */
export type PayloadMaker = (bytes: number) => Uint8Array;

/** By name. */
export const HOSTILE_PAYLOADS: Readonly<Record<string, PayloadMaker>> = {
  "empty arrays": (bytes) => array(bytes, () => "[]"),
  "empty objects": (bytes) => array(bytes, () => "{}"),
  "short numbers": (bytes) => array(bytes, () => "1"),
  "negative numbers": (bytes) => array(bytes, () => "-1"),
  "numbers with an exponent": (bytes) => array(bytes, () => "1e9"),
  "numbers of 18 digits": (bytes) => array(bytes, (i) => `0.${1e15 + i * 7919}1`),
  "one long number": (bytes) => text(`[0.1${"0".repeat(bytes - 6)}1]`),
  "one long integer": (bytes) => text(`[1${"2".repeat(bytes - 3)}]`),
  "a number that is all exponent": (bytes) => text(`[1e${"9".repeat(bytes - 4)}]`),
  "a bare long number": (bytes) => text(`0.1${"0".repeat(bytes - 4)}1`),
  "zeros": (bytes) => text("0".repeat(bytes)),
  "minus signs": (bytes) => text(`[${"-".repeat(bytes - 2)}]`),
  "unique keys": (bytes) => text(`{${list(bytes, (i) => `"${i.toString(36)}":1`)}}`),
  "unique keys that are numbers": (bytes) => text(`{${list(bytes, (i) => `"${i * 7919}":1`)}}`),
  "objects of one unique key": (bytes) => array(bytes, (i) => `{"${i.toString(36)}":1}`),
  "objects of twenty unique keys": (bytes) =>
    array(
      bytes,
      (i) => `{${Array.from({ length: 20 }, (_, j) => `"${i.toString(36)}_${j}":0`).join(",")}}`,
    ),
  "nesting as deep as can be": (bytes) => text("[".repeat(bytes / 2) + "]".repeat(bytes / 2)),
  "nesting of 60 levels again and again": (bytes) =>
    array(bytes, () => "[".repeat(60) + "]".repeat(60)),
  "nested unique keys": (bytes) =>
    array(bytes, (i) => `${`{"${i}":`.repeat(60)}1${"}".repeat(60)}`),
  "a pair of surrogates, escaped": (bytes) => text(`["${"\\ud83d\\ude00".repeat(bytes / 12)}"]`),
  "lone surrogates": (bytes) => text(`["${"\\ud83d".repeat(bytes / 6)}"]`),
  "backslashes": (bytes) => text(`["${"\\".repeat(bytes - 4)}"]`),
  "quotation marks": (bytes) => text('"'.repeat(bytes)),
  "an unclosed text": (bytes) => text(`["${"a".repeat(bytes)}`),
  "unique texts": (bytes) => array(bytes, (i) => `"${i.toString(36)}"`),
  "white space": (bytes) => text(`[${" ".repeat(bytes - 2)}]`),
  "white space and nothing else": (bytes) => text(" ".repeat(bytes)),
  "control characters": (bytes) => text("\u0001".repeat(bytes)),
  "line feeds": (bytes) => text("\n".repeat(bytes)),
  "one letter": (bytes) => text("a".repeat(bytes)),
  "characters of two bytes": (bytes) => text("ü".repeat(bytes / 2)),
  "characters of three bytes": (bytes) => text("€".repeat(bytes / 3)),
  "characters of four bytes": (bytes) => text("😀".repeat(bytes / 4)),
  "text that ends in no UTF-8": (bytes) => new Uint8Array(bytes).fill(0x61).fill(0xFF, -1),
  "no UTF-8 at all": (bytes) => new Uint8Array(bytes).fill(0xFF),
  "the middle of characters": (bytes) => new Uint8Array(bytes).fill(0x80),
  "zero bytes": (bytes) => new Uint8Array(bytes),
};

function text(text: string): Uint8Array {
  return encoder.encode(text);
}

function array(bytes: number, item: (i: number) => string): Uint8Array {
  return text(`[${list(bytes, item)}]`);
}

function list(bytes: number, item: (i: number) => string): string {
  const items: string[] = [];
  let length = 2;
  while (length < bytes) {
    const one = item(items.length);
    items.push(one);
    length += one.length + 1;
  }
  return items.slice(0, -1).join(",");
}
