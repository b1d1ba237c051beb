/** An MCP host over stdio of the older generation: the client of SDK 1, up to protocol 2025-11-25. */

import { Client } from "@modelcontextprotocol/sdk/client";
// Its package names the types only without the extension, and the code only with it.
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  type BasicHost,
  calls,
  connectBasic,
  endProcess,
  launch,
  type LaunchOptions,
} from "./host.ts";

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
  const transport = new CleanTransport({ ...launched, stderr: "pipe" });
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

/** As in `host.ts`: the SDK's transport, without the timers that it leaves behind on close. */
class CleanTransport extends StdioClientTransport {
  override async close(): Promise<void> {
    await endProcess(this["_process"]);
    await super.close();
  }
}
