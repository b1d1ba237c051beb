/**
 * mochi-mqtt, a library in Go: built together with `mochi/main.go`.
 *
 * @module
 */
import { fromFileUrl } from "../../../tests/paths.ts";
import { type BrokerKind, HOST, PROHIBITED, run, startBroker } from "../broker.ts";

const SOURCES = fromFileUrl(new URL("mochi/", import.meta.url));

export const mochi: BrokerKind = {
  name: "mochi-mqtt",
  protocols: ["5", "3.1.1"],
  async prepare(dir) {
    const program = `${dir}/mochi`;
    await run({ program: "go", args: ["build", "-p", "1", "-o", program, "."], cwd: SOURCES });
    const modules = await Deno.readTextFile(`${SOURCES}go.mod`);
    return {
      version: /server\/v2 v(\S+)/.exec(modules)?.[1] ?? "",
      start: () => startBroker((port) => ({ program, args: [`${HOST}:${port}`, PROHIBITED] })),
    };
  },
};
