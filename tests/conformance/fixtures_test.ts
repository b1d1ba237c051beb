import assert from "node:assert/strict";
import { connected, KEY } from "../mcp/served_http.ts";
import { serveFixtures } from "./fixtures_server.ts";

Deno.test("HttpServer serves what its createServer() has beside the program's own", async () => {
  await using server = await serveFixtures();
  for (const mode of ["auto", "legacy"] as const) {
    await using client = await connected(server.url, mode, KEY);
    const { tools } = await client.listTools();
    const names = new Set(tools.map(({ name }) => name));
    for (const name of ["mqtt_status", "test_simple_text", "test_image_content"]) {
      assert.ok(names.has(name), name);
    }
    const call = async (name: string): Promise<unknown> =>
      (await client.callTool({ name })).content;
    const text = "This is a simple text response for testing.";
    assert.deepEqual(await call("test_simple_text"), [
      { type: "text", text: JSON.stringify({ text }) },
    ]);
    assert.match(JSON.stringify(await call("test_image_content")), /image\/png/);
    assert.match(JSON.stringify(await call("mqtt_status")), /connected/);
    assert.match(
      JSON.stringify(await client.readResource({ uri: "test://static-text" })),
      /content/,
    );
    await assert.rejects(call("no_such_tool"), /Unknown tool "no_such_tool"; there are mqtt_read/);
  }
});
