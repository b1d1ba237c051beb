/**
 * Those of the conformance suite's tools that the program's own adapter carries: text, errors,
 * progress, and questions to the person, which are the ones it asks before a write.
 */

import * as z from "zod/v4";
import { ConfirmationNeeded, confirmedAs } from "../../lib/access/confirmation.ts";
import { McpMqttError } from "../../lib/errors.ts";
import { defineTool } from "../../lib/tools/define_tool.ts";
import type { Tool, ToolContext } from "../../lib/tools/tool.ts";
import { parseTopicFilter } from "../../lib/topics/topic_filter.ts";
import { publication } from "../mqtt/connections.ts";

/** Long enough for three reports of progress at the adapter's own pace, in milliseconds. */
const WAITING_MS = 2_600;

type Input = Record<string, z.ZodType>;

function fixture(
  name: string,
  run: (context: ToolContext) => string | Promise<string>,
  { input = {}, effect = "observe" }: { input?: Input; effect?: Tool["effect"] } = {},
): Tool {
  return defineTool({
    name,
    title: name,
    description: "A fixture of the conformance suite",
    effect,
    isIdempotent: true,
    input: () => z.object(input),
    output: z.object({ text: z.string() }),
    async run(_input, context) {
      return { text: await run(context) };
    },
  });
}

/** Asks the person, and goes on with a yes. */
function asking(name: string, input: Input = {}): Tool {
  const asked = publication("t/asked", "1");
  return fixture(name, ({ confirmed }) => {
    if (confirmed === confirmedAs(asked)) return "state-ok: the person said yes";
    throw new ConfirmationNeeded(asked, parseTopicFilter("t/#"));
  }, { input, effect: "write" });
}

/** To be offered beside the program's own tools. */
export const FIXTURE_TOOLS: readonly Tool[] = [
  fixture("test_simple_text", () => "This is a simple text response for testing."),
  fixture("test_error_handling", () => {
    throw new McpMqttError("timeout", "this tool intentionally returns an error for testing");
  }),
  fixture("test_tool_with_progress", async ({ signal }) => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, WAITING_MS);
      signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    });
    return "done";
  }),
  fixture("test_logging_tool", () => "nothing to log"),
  asking("test_elicitation", { message: z.string() }),
  asking("test_streaming_elicitation"),
  asking("test_input_required_result_request_state"),
];
