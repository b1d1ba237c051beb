/** Prints one byte and a line break: what starting Deno costs. */
console.log("1");
