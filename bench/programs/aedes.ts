/** aedes until the input ends; prints its port. */
import { startDemoBroker } from "../../demo/broker.ts";

await using broker = await startDemoBroker();
console.log(JSON.stringify({ port: broker.port }));
await Deno.stdin.read(new Uint8Array(1));
