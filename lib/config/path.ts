/**
 * Paths into the config, and what they lead to.
 *
 * @module
 */

/** How deep objects and lists may be nested in each other. */
export const MAX_DEPTH = 100;

const MAX_SHOWN_CHARACTERS = 60;

/** The keys and indices that lead to a value. */
export type Path = readonly (string | number)[];

/** The path as it is written in messages, as in `topics[2].pattern`. */
export function formatPath(path: Path): string {
  const steps = path.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return `.${/^[\w$-]{1,60}$/.test(step) ? step : shownKey(step)}`;
  });
  return steps.join("").replace(/^\./, "");
}

/** A key in double quotes, cut where it is long. */
export function shownKey(key: string): string {
  const isLong = key.length > MAX_SHOWN_CHARACTERS;
  return JSON.stringify(isLong ? `${key.slice(0, MAX_SHOWN_CHARACTERS)}…` : key);
}

/** The value at `path` in plain data, or undefined. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    const isHolder = typeof value === "object" && value !== null && Object.hasOwn(value, step);
    return isHolder ? Reflect.get(value, step) : undefined;
  }, root);
}

/** Puts a value in the place of the one at `path`, if the object or list that holds it is there. */
export function setAt(root: unknown, path: Path, value: unknown): void {
  const holder = valueAt(root, path.slice(0, -1));
  if (typeof holder === "object" && holder !== null) Reflect.set(holder, path.at(-1) ?? "", value);
}

/** Whether the value is an object and no array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How many values there are in plain data, how many have a key, and how deep they are nested. */
export function sizeOf(root: unknown): { values: number; keys: number; depth: number } {
  const size = { values: 0, keys: 0, depth: 0 };
  const count = (value: unknown, depth: number): void => {
    size.values++;
    if (typeof value !== "object" || value === null) return;
    size.depth = Math.max(size.depth, depth);
    if (depth > MAX_DEPTH) return;
    const inside: unknown[] = Object.values(value);
    if (!Array.isArray(value)) size.keys += inside.length;
    for (const one of inside) count(one, depth + 1);
  };
  count(root, 1);
  return size;
}
