/** The part of the MCP SDK that the server uses, imported and nothing more. */
import { Server } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";

console.log(typeof Server, typeof serveStdio);
