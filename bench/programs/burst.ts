/** Publishes a burst when it is told to. */
import { loadBurst } from "../burst.ts";

const burst = await loadBurst(JSON.parse(Deno.args[0] ?? ""));
console.log("{}");
await Deno.stdin.read(new Uint8Array(64));
await burst.fire();
console.log("{}");
