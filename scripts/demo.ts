/**
 * What `deno task demo` runs: an MCP client with the server in a process of its own, step by step as
 * an agent would go. Arguments are handed on to the server. Ends with 0, or 1 where a step failed.
 *
 * @module
 */

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

/** The first time the server's packages may have to be downloaded. */
const CONNECT_DEADLINE_MS = 120_000;
/** For all steps together. */
const STEPS_DEADLINE_MS = 15_000;

/** A step shows what it does, gives what was proved, and throws where it was not. */
interface Step {
  readonly title: string;
  run(agent: Agent): Promise<string>;
}

const STEPS: readonly Step[] = [
  {
    title: "What am I granted?",
    async run(agent) {
      const allowed = await agent.read("mcpmqtt://topics/allowed");
      const topics = list(field(allowed, "topics"));
      for (const rule of topics) {
        const unit = field(rule, "unit");
        tell(
          "←",
          `${list(field(rule, "permissions")).join(" ").padEnd(5)} ${
            text(field(rule, "pattern")).padEnd(26)
          } ${text(field(rule, "description"))}${unit === undefined ? "" : `, ${text(unit)}`}`,
        );
      }
      expect(topics.length > 0, "something is granted");
      return `${topics.length} rules; nothing else can be read or written`;
    },
  },
  {
    title: "How warm is it in the kitchen?",
    async run(agent) {
      const message = await agent.call("mqtt_read", { topic: "sensors/kitchen/temperature" });
      tell("←", message);
      const celsius = Number(field(message, "payload"));
      expect(celsius > 10 && celsius < 35, "the payload is a plausible temperature");
      return `${celsius} °C`;
    },
  },
  {
    title: "And everywhere? Two readings of each room.",
    async run(agent) {
      const result = await agent.call("mqtt_subscribe", {
        topic: "sensors/+/temperature",
        max_messages: 6,
        timeout: 5,
      });
      const messages = list(field(result, "messages"));
      for (const message of messages) {
        tell("←", `${text(field(message, "topic")).padEnd(28)} ${text(field(message, "payload"))}`);
      }
      const rooms = new Set(messages.map((message) => field(message, "topic")));
      expect(messages.length === 6 && rooms.size === 3, "six messages come from three rooms");
      return `${messages.length} messages from ${rooms.size} rooms in ${
        field(result, "elapsed")
      } s`;
    },
  },
  {
    title: "Switch the kitchen light on, and see that it is.",
    async run(agent) {
      const state = "actuators/lights/kitchen/state";
      const before = field(await agent.call("mqtt_read", { topic: state }), "payload");
      tell("←", before);
      expect(field(before, "on") === false, "the light is off before");
      const sent = await agent.call("mqtt_publish", {
        topic: "actuators/lights/kitchen/on",
        payload: "1",
        qos: 1,
      });
      tell("←", sent);
      expect(field(sent, "outcome") === "acknowledged", "the broker has taken it");
      const seen = await agent.call("mqtt_subscribe", {
        topic: state,
        where: { path: "/on", op: "eq", value: true },
        max_messages: 1,
        timeout: 3,
      });
      const after = field(list(field(seen, "messages"))[0], "payload");
      tell("←", after);
      expect(field(after, "on") === true, "the light says that it is on");
      expect(text(field(after, "since")) > text(field(before, "since")), "it says so since now");
      return "off before, on after";
    },
  },
  {
    title: "Ask the kitchen itself.",
    async run(agent) {
      const result = await agent.call("mqtt_query", {
        request_topic: "commands/kitchen/request",
        response_topic: "commands/kitchen/response",
        payload: { command: "get_status", id: 7 },
      });
      const answer = field(list(field(result, "responses"))[0], "payload");
      tell("←", answer);
      expect(field(answer, "id") === 7, "the answer belongs to the request");
      expect(field(answer, "light") === "on", "it too says that the light is on");
      return `answered in ${field(result, "elapsed")} s`;
    },
  },
  {
    title: "Find the bedroom lamp by its name, switch it on, and have it say so.",
    async run(agent) {
      const found = list(
        field(await agent.call("mqtt_devices", { find: "bedroom lamp" }), "devices"),
      );
      const [lamp] = found;
      const [state] = list(field(lamp, "entities"));
      tell("←", { id: field(lamp, "id"), online: field(lamp, "online"), state });
      expect(found.length === 1 && field(lamp, "online") === "yes", "one lamp is found, online");
      expect(field(state, "value") === "OFF", "it is off before");
      const [read, write] = [field(state, "read"), field(state, "write")];
      const result = await agent.call("mqtt_query", {
        request_topic: field(write, "topic"),
        payload: field(field(write, "values"), "on"),
        response_topic: field(read, "topic"),
        where: { path: field(read, "path"), op: "eq", value: "ON" },
      });
      const answer = field(list(field(result, "responses"))[0], "payload");
      tell("←", answer);
      expect(field(answer, "state") === "ON", "the lamp says that it is on");
      return "found by name, on after";
    },
  },
  {
    title: "Write where nothing is granted.",
    async run(agent) {
      const error = await agent.refused("mqtt_publish", { topic: "status/system", payload: "off" });
      tell("←", `${text(field(error, "code"))}: ${text(field(error, "message"))}`);
      tell(" ", `hint: ${text(field(error, "hint"))}`);
      expect(field(error, "code") === "forbidden", "it is refused as forbidden");
      const untouched = await agent.call("mqtt_read", { topic: "status/system" });
      tell("←", field(untouched, "payload"));
      expect(field(field(untouched, "payload"), "state") === "ok", "nothing has changed");
      return "refused before anything was sent";
    },
  },
];

/** What a step does, shown as it is done. */
class Agent {
  readonly #client: Client;
  readonly #signal: AbortSignal;

  constructor(client: Client, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** Reads a resource. */
  async read(uri: string): Promise<unknown> {
    tell("→", `resources/read ${uri}`);
    const { contents: [content] } = await this.#client.readResource({ uri }, {
      signal: this.#signal,
    });
    return JSON.parse(text(field(content, "text")));
  }

  /** Calls a tool that is to succeed; gives its structured content. */
  async call(name: string, args: Record<string, unknown>): Promise<unknown> {
    const result = await this.#callTool(name, args);
    if (result.isError) throw new Error(text(field(result.content[0], "text")));
    return result.structuredContent;
  }

  /** Calls a tool that is to be refused; gives the error. */
  async refused(name: string, args: Record<string, unknown>): Promise<unknown> {
    const { isError, _meta } = await this.#callTool(name, args);
    expect(isError === true, "it is refused");
    return field(_meta, "mcpmqtt/error");
  }

  #callTool(name: string, args: Record<string, unknown>): ReturnType<Client["callTool"]> {
    tell("→", `${name} ${json(args)}`);
    return this.#client.callTool({ name, arguments: args }, { signal: this.#signal });
  }
}

/** `✓` proved, `✗` failed, `→` asked, `←` answered. */
type Mark = "✓" | "✗" | "→" | "←" | " ";

const COLOURS: Readonly<Record<Mark, number>> = { "✓": 32, "✗": 31, "→": 36, "←": 0, " ": 0 };
const IS_COLOURED = Deno.stdout.isTerminal() && !Deno.noColor;

function colour(code: number, written: string): string {
  return IS_COLOURED && code !== 0 ? `\x1b[${code}m${written}\x1b[0m` : written;
}

function heading(title: string): void {
  console.log(`\n${colour(1, title)}`);
}

function tell(mark: Mark, what: unknown): void {
  console.log(colour(COLOURS[mark], `   ${mark} ${typeof what === "string" ? what : json(what)}`));
}

/** JSON with the air in it that a reader needs. */
function json(value: unknown): string {
  return JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, " ");
}

/** The value of `key`, where `value` is an object that has it. */
function field(value: unknown, key: string): unknown {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return entries.find(([name]) => name === key)?.[1];
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected that ${what}`);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

async function runSteps(client: Client): Promise<string[]> {
  const agent = new Agent(client, AbortSignal.timeout(STEPS_DEADLINE_MS));
  const failed: string[] = [];
  for (const [index, { title, run }] of STEPS.entries()) {
    heading(`${index + 1}. ${title}`);
    try {
      tell("✓", await run(agent));
    } catch (error) {
      tell("✗", error instanceof Error ? error.message : String(error));
      failed.push(title);
    }
  }
  return failed;
}

async function main(): Promise<number> {
  const command = `deno run -P main.ts --demo ${Deno.args.join(" ")}`.trim();
  const started = performance.now();
  console.log(`An agent, an MCP server (${command}) and a small simulated house.`);
  const transport = new StdioClientTransport({
    command: Deno.execPath(),
    args: ["run", "-P", "main.ts", "--demo", ...Deno.args],
    cwd: `${import.meta.dirname}/..`,
    stderr: "pipe",
    // The server sees what its own permissions let it see of this.
    env: Deno.env.toObject(),
  });
  let log = "";
  const decoder = new TextDecoder();
  transport.stderr?.on("data", (chunk: Uint8Array) => {
    log += decoder.decode(chunk, { stream: true });
  });
  const client = new Client({ name: "mcpmqtt-demo", version: "1" });
  let failed: string[];
  try {
    await client.connect(transport, { timeout: CONNECT_DEADLINE_MS });
    failed = await runSteps(client);
  } catch (error) {
    heading("The server did not answer.");
    tell("✗", error instanceof Error ? error.message : String(error));
    failed = ["connecting"];
  } finally {
    await client.close();
  }
  if (failed.length > 0) {
    heading(`Failed: ${failed.join(" | ")}`);
    console.log(`The server's log:\n${log}`);
    return 1;
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  heading(`All ${STEPS.length} steps done in ${seconds} s.`);
  return 0;
}

Deno.exit(await main());
