/** mqtt.js as it comes: collects bursts with one or more clients, publishes, or stays connected. */
import mqtt from "mqtt";
import { serveProgram } from "./serve_program.ts";

const [host = "", port = "", version = "", howMany = "1"] = Deno.args;
const clients = await Promise.all(
  Array.from({ length: Number(howMany) }, () =>
    mqtt.connectAsync(`mqtt://${host}:${port}`, {
      protocolVersion: version === "5" ? 5 : 4,
      clean: true,
    })),
);
await serveProgram({
  async collect(filter, onMessage): Promise<void> {
    for (const client of clients) {
      client.on("message", (_topic, payload) => onMessage(payload));
      await client.subscribeAsync(filter, { qos: 2 });
    }
  },
  async publish(topic, payload): Promise<void> {
    await clients[0]?.publishAsync(topic, payload, { qos: 1 });
  },
});
for (const client of clients) await client.endAsync(true);
