/**
 * Templates of Home Assistant as far as they are paths. They are text from the network, and never
 * evaluated.
 *
 * @module
 */
import { label, pointer } from "./described.ts";
import type { Place, Reading } from "./device.ts";

/** A longer template is not looked into. */
const MAX_LENGTH = 4_096;
/** Of a template so many characters are shown. */
const MAX_SHOWN = 200;

const WORD = String.raw`[\p{ID_Continue}]`;
/** `.name`, `.0`, `["name"]` or `[0]`; not a method, which has a parenthesis after it. */
const STEP = String
  .raw`\.(${WORD}+)(?!${WORD}|\s*\()|\[\s*(?:'([^'\\]*)'|"([^"\\]*)"|(\d+))\s*\]`;
/** `value_json.a["b"][0]`, of which the steps are captured, or `value` alone. */
const PATH = String.raw`(?<![.\p{ID_Continue}])value(?:_json((?:${
  STEP.replaceAll(/(?<!\\)\((?!\?)/g, "(?:")
})*))?(?!${WORD})`;
/** In quotes; without the closing one to the end. */
const QUOTED = String.raw`'(?:[^'\\]|\\.)*(?:'|\\?$)|"(?:[^"\\]|\\.)*(?:"|\\?$)`;
/** From the end of an expression to the beginning of the next, comments included. */
const BETWEEN = String.raw`[}%]\}(?:\{#.*?(?:#\}|$)|(?!\{[{%#]).)*(?:\{[{%]|$)`;

const STEPS = new RegExp(STEP, "gu");
/** Each alternative takes what it begins with, so that the time is proportional to the length. */
const TOKENS = new RegExp(`${QUOTED}|${BETWEEN}|${PATH}`, "gsu");
const PLAIN = new RegExp(String.raw`^\{\{[-+]?\s*${PATH}\s*[-+]?\}\}$`, "u");
const TEXT = String.raw`('[^'\\]*'|"[^"\\]*")`;
const CONDITIONAL = new RegExp(
  String.raw`^\{\{[-+]?\s*${TEXT}\s+if\s+${PATH}\s+else\s+${TEXT}\s*[-+]?\}\}$`,
  "u",
);

/**
 * Where the value of a topic is by its template: the place alone if the template is a path; the place
 * as `converted` if there is exactly one in it; else the template.
 */
export function readingOf(topic: string, template: string | undefined): Reading {
  const text = template?.trim() ?? "";
  if (text === "") return { topic };
  const shown: Reading = { topic, template: label(text, MAX_SHOWN) ?? "" };
  if (text.length > MAX_LENGTH) return shown;
  const plain = PLAIN.exec(text);
  if (plain !== null) return placeOf(topic, pathOf(plain[1]));
  const paths = new Set<string>();
  // As if an expression had ended before it.
  const tokens = `}}${text}`;
  for (const { 0: token, 1: steps, index } of tokens.matchAll(TOKENS)) {
    if (!token.startsWith("value")) continue;
    // Into the payload by what is no step, such as a method or a sum: that is no path.
    if (token === "value_json" && /^\s*[.[]/.test(tokens.slice(index + token.length))) return shown;
    paths.add(pathOf(steps));
  }
  const [path] = paths;
  if (path === undefined || paths.size !== 1) return shown;
  return { ...placeOf(topic, path), converted: true };
}

/** A template that is one of two texts, by whether a value is true. */
export interface Conditional {
  readonly place: Place;
  readonly whenTrue: string;
  readonly whenFalse: string;
}

/** A template like `{{ 'online' if value_json.value else 'offline' }}`; undefined for any other. */
export function conditionalOf(topic: string, template: string): Conditional | undefined {
  if (template.length > MAX_LENGTH) return undefined;
  const [, whenTrue, steps, whenFalse] = CONDITIONAL.exec(template.trim()) ?? [];
  // `value` is the payload as a text, which is true whatever it says.
  if (whenTrue === undefined || steps === undefined || whenFalse === undefined) return undefined;
  return {
    place: placeOf(topic, pathOf(steps)),
    whenTrue: whenTrue.slice(1, -1),
    whenFalse: whenFalse.slice(1, -1),
  };
}

function placeOf(topic: string, path: string): Place {
  return path === "" ? { topic } : { topic, path };
}

/** The JSON Pointer of the steps of a path. */
function pathOf(steps = ""): string {
  const tokens = [...steps.matchAll(STEPS)].map(([, name, single, double, index]) =>
    name ?? single ?? double ?? index ?? ""
  );
  return pointer(...tokens);
}
