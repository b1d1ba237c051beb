/**
 * The program itself, serving over HTTP as a config says. Each line of its input makes it collect its
 * garbage and print what memory it has then, in bytes.
 */
import { TextLineStream } from "../../tests/brokers/text_line_stream.ts";
import { run } from "../../lib/cli/run.ts";

/** One collection leaves what only finalizers let go of. */
const COLLECTIONS = 3;
/** V8 gives pages back a little later, in milliseconds. */
const SETTLE_MS = 300;

const [config = ""] = Deno.args;
const serving = run(["--transport", "remotehttp", "--config", config]);
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
const { gc } = globalThis as unknown as { gc?: () => void };
const answering = (async () => {
  for await (const _ of lines) {
    for (let i = 0; i < COLLECTIONS; i++) {
      gc?.();
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
    const { rss, heapUsed } = Deno.memoryUsage();
    console.log(JSON.stringify({ rss, heapUsed }));
  }
})();
await Promise.race([serving, answering]);
Deno.exit();
