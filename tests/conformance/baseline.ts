/**
 * What the conformance suite finds missing, and why. It is exact: a check that fails and is not here
 * is a fault, and so is one that is here and passes, or that no run has.
 */

import type { Check, Results } from "./suite.ts";

/** What a scenario is not passed for. */
interface Missing {
  readonly reason: string;
  /** The checks that fail, in the runs that have them; default: the one named as the scenario. */
  readonly checks?: readonly string[] | "all";
}

/** By the name of the scenario. */
export type Baseline = Readonly<Record<string, Missing>>;

/** Asks for something of the suite's own server. */
const fixture = (what: string, ...checks: readonly string[]): Missing => ({
  reason: `asks for the suite's own ${what}`,
  ...(checks.length === 0 ? {} : { checks }),
});

const TASKS: Missing = {
  reason: "asks for the extension io.modelcontextprotocol/tasks, which is optional, not scored, " +
    "and not declared by the program",
  checks: "all",
};

/** What is optional, and the program has not. The suite counts none of it. */
export const OPTIONAL: Baseline = {
  "server-sse-polling": {
    reason: "asks for streams that can be resumed, which is optional; pending in the suite",
    checks: ["server-sse-priming-event", "server-sse-retry-field"],
  },
  "http-custom-header-server-validation": {
    reason: "asks for a tool with x-mcp-header, which is optional; pending in the suite; the SDK " +
      "checks such headers for its McpServer, and not for the Server that the program makes",
    checks: [
      "sep-2243-server-no-xmcp-tool",
      "sep-2243-server-decode-base64",
      "sep-2243-server-validate-param-match",
      "sep-2243-server-reject-invalid-param-chars",
      "sep-2243-server-reject-param-mismatch",
    ],
  },
  "tasks-capability-negotiation": TASKS,
  "tasks-dispatch-and-envelope": TASKS,
  "tasks-lifecycle": TASKS,
  "tasks-mrtr-composition": TASKS,
  "tasks-mrtr-input": TASKS,
  "tasks-request-headers": TASKS,
  "tasks-request-state-removal": TASKS,
  "tasks-required-task-error": TASKS,
  "tasks-wire-fields": TASKS,
};

/**
 * What the program has not, and a server has that has the suite's fixtures: with them each of these
 * scenarios passes, over the same plumbing.
 */
export const FIXTURES: Baseline = {
  "logging-set-level": fixture("capability logging"),
  "tools-call-simple-text": fixture("tool test_simple_text"),
  "tools-call-image": fixture("tool test_image_content"),
  "tools-call-audio": fixture("tool test_audio_content"),
  "tools-call-embedded-resource": fixture("tool test_embedded_resource"),
  "tools-call-mixed-content": fixture("tool test_multiple_content_types"),
  "tools-call-with-logging": fixture("tool test_tool_with_logging"),
  "tools-call-error": fixture("tool test_error_handling"),
  "tools-call-with-progress": fixture("tool test_tool_with_progress"),
  "tools-call-sampling": fixture("tool test_sampling"),
  "tools-call-elicitation": fixture("tool test_elicitation"),
  "elicitation-sep1034-defaults": fixture(
    "tool test_elicitation_sep1034_defaults",
    "elicitation-sep1034-general",
  ),
  "elicitation-sep1330-enums": fixture(
    "tool test_elicitation_sep1330_enums",
    "elicitation-sep1330-general",
  ),
  "json-schema-2020-12": fixture(
    "tool json_schema_2020_12_tool",
    "json-schema-2020-12-tool-found",
  ),
  "server-stateless": fixture(
    "tools test_missing_capability, test_streaming_elicitation and test_logging_tool",
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
    "sep-2575-http-server-no-independent-requests-on-stream",
    "sep-2575-server-no-log-without-loglevel",
  ),
  "resources-read-text": fixture("resource test://static-text"),
  "resources-read-binary": fixture("resource test://static-binary"),
  "resources-templates-read": fixture("resource test://template/{id}/data"),
  "resources-subscribe": fixture("resource test://watched-resource"),
  "resources-unsubscribe": fixture("resource test://watched-resource"),
  "prompts-get-simple": fixture("prompt test_simple_prompt"),
  "prompts-get-with-args": fixture("prompt test_prompt_with_arguments"),
  "prompts-get-embedded-resource": fixture("prompt test_prompt_with_embedded_resource"),
  "prompts-get-with-image": fixture("prompt test_prompt_with_image"),
  "input-required-result-basic-elicitation": fixture(
    "tool test_input_required_result_elicitation",
    "sep-2322-elicitation-incomplete",
  ),
  "input-required-result-basic-sampling": fixture(
    "tool test_input_required_result_sampling",
    "sep-2322-sampling-incomplete",
  ),
  "input-required-result-basic-list-roots": fixture(
    "tool test_input_required_result_list_roots",
    "sep-2322-list-roots-incomplete",
  ),
  "input-required-result-request-state": fixture(
    "tool test_input_required_result_request_state",
    "sep-2322-request-state-incomplete",
  ),
  "input-required-result-multiple-input-requests": fixture(
    "tool test_input_required_result_multiple_inputs",
    "sep-2322-multiple-inputs-incomplete",
  ),
  "input-required-result-multi-round": fixture(
    "tool test_input_required_result_multi_round",
    "sep-2322-multi-round-r1",
  ),
  "input-required-result-missing-input-response": fixture(
    "tool test_input_required_result_elicitation",
    "sep-2322-missing-response-rerequests",
  ),
  "input-required-result-non-tool-request": fixture(
    "prompt test_input_required_result_prompt",
    "sep-2322-non-tool-incomplete",
  ),
  "input-required-result-result-type": fixture(
    "tool test_input_required_result_elicitation",
    "sep-2322-result-type-included",
  ),
  "input-required-result-tampered-state": fixture(
    "tool test_input_required_result_tampered_state",
    "sep-2322-reject-tampered-state",
  ),
  "input-required-result-capability-check": fixture(
    "tool test_input_required_result_capabilities",
    "sep-2322-respect-client-capabilities",
  ),
  "input-required-result-ignore-extra-params": fixture(
    "tool test_input_required_result_elicitation",
    "sep-2322-ignore-unexpected-params",
  ),
};

/** What differs from the baseline, a line each. What it has of scenarios that were not run does not. */
export function differences(results: Results, baseline: Baseline): string[] {
  return [...results].flatMap(([scenario, checks]) => {
    const missing = Object.hasOwn(baseline, scenario) ? baseline[scenario] : undefined;
    const failed = checks.filter(hasFailed);
    const { checks: expected = [scenario] } = missing ?? { checks: [] };
    if (expected === "all") return failed.length > 0 ? [] : [`${scenario} is in the baseline`];
    const failedIds = new Set(failed.map(({ id }) => id));
    const passed = new Set(checks.filter(({ status }) => status === "SUCCESS").map(({ id }) => id));
    return [
      ...failed.filter(({ id }) => !expected.includes(id))
        .map(({ id, errorMessage }) => `${scenario}: ${id} fails: ${errorMessage}`),
      ...expected.filter((id) => passed.has(id) && !failedIds.has(id))
        .map((id) => `${scenario}: ${id} passes, and is in the baseline`),
    ];
  });
}

function hasFailed({ status }: Check): boolean {
  return status === "FAILURE" || status === "WARNING";
}
