/** A bare `Deno.serve` that reads each request and answers the same bytes; prints its port. */
const { type, text }: { type: string; text: string } = JSON.parse(Deno.args[0] ?? "");
const bytes = new TextEncoder().encode(text);
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ port })),
}, async (request) => {
  await request.bytes();
  return new Response(bytes, { headers: { "content-type": type } });
});
await Deno.stdin.read(new Uint8Array(1));
await server.shutdown();
