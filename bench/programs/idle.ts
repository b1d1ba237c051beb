/** Does nothing until its input ends: what Deno takes at rest. */
console.log("1");
await Deno.stdin.read(new Uint8Array(1));
