/**
 * HiveMQ Community Edition, a library in Java: started by `hivemq/Main.java`.
 *
 * @module
 */
import { fromFileUrl } from "../../../tests/paths.ts";
import { type BrokerKind, HOST, PROHIBITED, run, startBroker } from "../broker.ts";

const SOURCES = fromFileUrl(new URL("hivemq/", import.meta.url));

export const hivemq: BrokerKind = {
  name: "HiveMQ CE",
  protocols: ["5", "3.1.1"],
  async prepare(dir) {
    await run({
      program: "mvn",
      args: [
        "--batch-mode",
        "--quiet",
        "--file",
        `${SOURCES}pom.xml`,
        "dependency:build-classpath",
        `-Dmdep.outputFile=${dir}/classpath`,
      ],
    });
    const classpath = await Deno.readTextFile(`${dir}/classpath`);
    await run({
      program: "javac",
      args: ["-cp", classpath, "-d", `${dir}/classes`, `${SOURCES}Main.java`],
    });
    await Deno.mkdir(`${dir}/conf`);
    await Deno.mkdir(`${dir}/extensions`);
    const pom = await Deno.readTextFile(`${SOURCES}pom.xml`);
    return {
      version: /embedded<\/artifactId>\s*<version>([^<]+)/.exec(pom)?.[1] ?? "",
      start: () =>
        startBroker(async (port) => {
          await Deno.writeTextFile(`${dir}/conf/config.xml`, configuration(port));
          return {
            program: "java",
            args: ["-Xmx512m", "-cp", `${dir}/classes:${classpath}`, "Main", dir, PROHIBITED],
          };
        }),
    };
  },
};

function configuration(port: number): string {
  return `<?xml version="1.0"?>
<hivemq>
  <listeners>
    <tcp-listener><port>${port}</port><bind-address>${HOST}</bind-address></tcp-listener>
  </listeners>
  <persistence><mode>in-memory</mode></persistence>
  <anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics>
</hivemq>
`;
}
