/**
 * The certificates and the key of `mqtt.tls`.
 *
 * @module
 */

import type { PemTexts } from "./build_config.ts";
import type { Issue } from "./issues.ts";
import { valueAt } from "./path.ts";
import { type ConfigEffects, type Folders, readFailure, resolvePath } from "./secrets.ts";

/** Reads what `mqtt.tls` names, once, so that the program needs no read permission later. */
export async function readPem(
  root: unknown,
  { effects, folders }: { effects: ConfigEffects; folders: Folders },
): Promise<{ texts: PemTexts; faults: Issue[] }> {
  const texts: { ca?: string; cert?: string; key?: string } = {};
  const faults: Issue[] = [];
  for (const key of ["ca", "cert", "key"] as const) {
    const path = ["mqtt", "tls", key];
    const value = valueAt(root, path);
    if (typeof value !== "string" || value === "") continue;
    if (value.includes("-----BEGIN")) {
      texts[key] = value;
      continue;
    }
    const file = resolvePath(value, folders);
    // What stands here may be a key pasted without its frame, so only what looks like a path is shown.
    const named = /^[\w./\\: ~-]{1,200}\.(?:pem|crt|cer|key|p8)$/.test(value)
      ? `the file ${file}`
      : "a file that";
    const joint = named === "a file that" ? " " : ", which ";
    try {
      const text = await effects.readTextFile(file);
      if (text.includes("-----BEGIN")) texts[key] = text;
      else faults.push({ path, message: `names ${named}${joint}is not PEM`, at: "value" });
    } catch (cause) {
      const message = `names ${named}${joint}cannot be read: ${readFailure(cause)}`;
      faults.push({ path, message, at: "value" });
    }
  }
  return { texts, faults };
}
