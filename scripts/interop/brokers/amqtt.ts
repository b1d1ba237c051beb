/**
 * amqtt, a broker in Python: in a virtual environment of its own.
 *
 * @module
 */
import { fromFileUrl } from "../../../tests/paths.ts";
import { type BrokerKind, HOST, run, startBroker } from "../broker.ts";

const REQUIREMENTS = fromFileUrl(new URL("amqtt/requirements.txt", import.meta.url));

export const amqtt: BrokerKind = {
  name: "amqtt",
  protocols: ["3.1.1"],
  flaw: "connectionAbandoned",
  async prepare(dir) {
    await run({ program: "python3", args: ["-m", "venv", `${dir}/venv`] });
    await run({
      program: `${dir}/venv/bin/pip`,
      args: ["install", "--quiet", "--requirement", REQUIREMENTS],
    });
    const requirements = await Deno.readTextFile(REQUIREMENTS);
    return {
      version: /amqtt==(\S+)/.exec(requirements)?.[1] ?? "",
      start: () =>
        startBroker(async (port) => {
          await Deno.writeTextFile(`${dir}/broker.yaml`, configuration(port));
          return { program: `${dir}/venv/bin/amqtt`, args: ["-c", `${dir}/broker.yaml`] };
        }),
    };
  },
};

/** Its own plugin for taboos holds the topic of `PROHIBITED`. */
function configuration(port: number): string {
  return `listeners:
  default:
    type: tcp
    bind: ${HOST}:${port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
  amqtt.plugins.topic_checking.TopicTabooPlugin:
  amqtt.plugins.sys.broker.BrokerSysPlugin:
    sys_interval: 1
`;
}
