/**
 * RabbitMQ with its MQTT plugin, from the system's packages: a node of its own, with a port mapper
 * of its own, everything on the loopback and in a temporary directory.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { freePort } from "../../../tests/brokers/mosquitto.ts";
import {
  type BrokerKind,
  HOST,
  PROHIBITED,
  run,
  type RunningBroker,
  startBroker,
  startProcess,
  Unavailable,
} from "../broker.ts";

/** Where Debian keeps it. The wrapper on the search path changes user and directory. */
const PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server";

export const rabbitmq: BrokerKind = {
  name: "RabbitMQ",
  // 4 speaks MQTT 5; the `auto` check finds that out, and this list is to be changed then.
  protocols: ["3.1.1"],
  async prepare(dir) {
    try {
      await Deno.stat(PROGRAM);
    } catch (cause) {
      throw new Unavailable(
        "rabbitmq-server is not installed; on Debian: apt-get install rabbitmq-server",
        { cause },
      );
    }
    const version = await run({
      program: "dpkg-query",
      args: ["-W", "-f", "${Version}", "rabbitmq-server"],
    });
    return { version: version.replace(/-.*/, ""), start: () => start(dir) };
  },
};

async function start(dir: string): Promise<RunningBroker> {
  const [amqpPort, distributionPort, mapperPort] = [freePort(), freePort(), freePort()];
  await Deno.writeTextFile(`${dir}/enabled_plugins`, "[rabbitmq_mqtt].\n");
  await Deno.writeTextFile(`${dir}/rabbitmq-env.conf`, "");
  await Deno.writeTextFile(`${dir}/definitions.json`, JSON.stringify(definitions()));
  const mapper = startProcess({
    program: "epmd",
    args: ["-address", HOST, "-port", String(mapperPort)],
  });
  const env = {
    HOME: dir,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: HOST,
    RABBITMQ_NODENAME: "mcpmqtt-interop@localhost",
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONF_ENV_FILE: `${dir}/rabbitmq-env.conf`,
    RABBITMQ_CONFIG_FILE: `${dir}/rabbitmq.conf`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${dir}/enabled_plugins`,
    RABBITMQ_MNESIA_BASE: `${dir}/mnesia`,
    RABBITMQ_LOG_BASE: `${dir}/log`,
    RABBITMQ_LOGS: "-",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    // Makes the Erlang machine take the place of the script, so that ending the one ends the other.
    RABBITMQ_ALLOW_INPUT: "1",
  };
  try {
    const broker = await startBroker(async (port) => {
      await Deno.writeTextFile(
        `${dir}/rabbitmq.conf`,
        [
          `listeners.tcp.1 = ${HOST}:${amqpPort}`,
          `mqtt.listeners.tcp.1 = ${HOST}:${port}`,
          "mqtt.allow_anonymous = true",
          "mqtt.default_user = guest",
          "mqtt.default_pass = guest",
          `load_definitions = ${dir}/definitions.json`,
          "",
        ].join("\n"),
      );
      return { program: PROGRAM, args: ["-noinput"], env };
    });
    return {
      ...broker,
      async [Symbol.asyncDispose](): Promise<void> {
        await broker[Symbol.asyncDispose]();
        await mapper.kill();
      },
    };
  } catch (error) {
    await mapper.kill();
    throw error;
  }
}

/** A guest who may do everything but read and write one topic. */
function definitions(): object {
  const allButOne = `^(?!${PROHIBITED}$).*`;
  const all = { configure: ".*", write: ".*", read: ".*" };
  return {
    vhosts: [{ name: "/" }],
    users: [{
      name: "guest",
      password_hash: passwordHash("guest"),
      hashing_algorithm: "rabbit_password_hashing_sha256",
      tags: [],
    }],
    permissions: [{ user: "guest", vhost: "/", ...all }],
    topic_permissions: [{
      user: "guest",
      vhost: "/",
      exchange: "amq.topic",
      write: allButOne,
      read: allButOne,
    }],
  };
}

/** Four bytes of salt, then the hash of them and the password. */
function passwordHash(password: string): string {
  const salt = crypto.getRandomValues(new Uint8Array(4));
  const hash = createHash("sha256").update(salt).update(password).digest();
  return new Uint8Array([...salt, ...hash]).toBase64();
}
