/** An MCP host over stdio of the older generation: the client of SDK 1, up to protocol 2025-11-25. */

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { type BasicHost, calls, connectBasic, launch, type LaunchOptions } from "./host.ts";

/** A host of SDK 1. */
export interface LegacyHost extends BasicHost {
  /** The SDK's own client, for what this leaves out. */
  readonly client: Client;
}

/**
 * Starts the server and connects the client of SDK 1 to it.
 *
 * @throws with the server's stderr when it does not answer
 */
export async function startLegacyHost(options: LaunchOptions = {}): Promise<LegacyHost> {
  const launched = await launch(options);
  const transport = new StdioClientTransport({ ...launched, stderr: "pipe" });
  const client = new Client({ name: "mcpmqtt-tests-legacy", version: "1" });
  const basic = await connectBasic({
    launched,
    transport,
    connect: () => client.connect(transport),
    disconnect: () => client.close(),
  });
  return {
    ...basic,
    ...calls({
      callTool: (params, requestOptions) => client.callTool(params, undefined, requestOptions),
      readResource: (params) => client.readResource(params),
    }),
    client,
  };
}
