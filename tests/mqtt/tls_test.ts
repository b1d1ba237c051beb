import assert from "node:assert/strict";
import { makeAuthority, makeSelfSigned } from "../brokers/certificates.ts";
import { freePort, mosquittoAvailable } from "../brokers/mosquitto.ts";
import { FaultProxy } from "../brokers/proxy.ts";
import { until } from "../brokers/until.ts";
import type { World } from "../config/memory.ts";
import { launch } from "../host.ts";
import {
  assertWorks,
  begin,
  checkFailure,
  connect,
  connectFailure,
  type ListenerOptions,
  type MqttOptions,
  startListener,
  testTransport,
  VERSIONS,
} from "./transports.ts";

const HOSTS = ["localhost", "127.0.0.1", "::1"];
const DAY_MS = 86_400_000;
const ago = (days: number): Date => new Date(Date.now() - days * DAY_MS);

const authority = makeAuthority();
/** Another one by the same name. */
const impostor = makeAuthority();
const identity = authority.issue({ name: "broker", hosts: HOSTS });
const client = authority.issue({ name: "client" });

/** The files of the configs. */
const files = {
  "/etc/ca.pem": authority.cert,
  "/etc/client.crt": client.cert,
  "/etc/client.key": client.key,
  "/etc/encrypted.key": client.encryptedKey("open sesame"),
  "/etc/passphrase": "open sesame\n",
};

/** Registers a test with a listener and a connection of a config to it. */
function connects(
  name: string,
  { listener, mqtt, world = {} }: {
    readonly listener: ListenerOptions;
    readonly mqtt: (port: number) => MqttOptions;
    readonly world?: World;
  },
): void {
  Deno.test({
    name,
    ignore: !mosquittoAvailable(),
    fn: async () => {
      await using broker = await startListener(listener);
      const options = mqtt(broker.port);
      await using connection = await connect(options, { ...world, files });
      await assertWorks(connection);
    },
  });
}

/** Registers a test with a listener that a config does not get into, and what is said then. */
function fails(
  name: string,
  { listener = { identity }, mqtt = {}, says, checkSays = says }: {
    readonly listener?: ListenerOptions;
    readonly mqtt?: MqttOptions;
    readonly says: string;
    /** What `mcpmqtt check` says, which looks closer. */
    readonly checkSays?: string;
  },
): void {
  Deno.test({
    name,
    ignore: !mosquittoAvailable(),
    fn: async () => {
      await using broker = await startListener(listener);
      const { port } = broker;
      const tls = { tls: { ca: "ca.pem" } };
      const options = { host: "127.0.0.1", port, transport: "tls", ...tls, ...mqtt };
      const secret = { username: "ada", password: "very secret" };
      const address = `${options.host}:${port}`;
      const message = await connectFailure({ ...secret, ...options }, { files });
      assert.equal(message, says.replaceAll("ADDRESS", address));
      const checked = await checkFailure({ ...secret, ...options }, { files });
      assert.ok(checked.includes(`: ${checkSays.replaceAll("ADDRESS", address)}\n`), checked);
      assert.doesNotMatch(broker.log(), /New client connected/);
    },
  });
}

if (mosquittoAvailable()) {
  testTransport({
    name: "tls",
    listen: () => startListener({ identity }),
    mqtt: { transport: "tls", tls: { ca: authority.cert } },
  });
}

for (const version of VERSIONS) {
  connects(`tls with an authority of one's own, MQTT ${version}`, {
    listener: { identity },
    mqtt: (port) => ({
      url: `mqtts://localhost:${port}`,
      tls: { ca: "ca.pem" },
      protocol_version: version,
    }),
  });
}

connects("tls takes the authority by ${file:} and the host as an address", {
  listener: { identity },
  mqtt: (port) => ({ url: `mqtts://127.0.0.1:${port}`, tls: { ca: "${file:ca.pem}" } }),
});

const mutual = { identity, clientAuthority: authority.cert };

connects("tls with a client certificate and its key", {
  listener: mutual,
  mqtt: (port) => ({
    url: `mqtts://localhost:${port}`,
    tls: { ca: "ca.pem", cert: "client.crt", key: "client.key" },
  }),
});

connects("tls with an encrypted key and its passphrase, by ${file:} and ${env:}", {
  listener: mutual,
  mqtt: (port) => ({
    url: `mqtts://localhost:${port}`,
    tls: {
      ca: "ca.pem",
      cert: "${env:MCPMQTT_CERT}",
      key: "${file:encrypted.key}",
      key_passphrase: "${file:passphrase}",
    },
  }),
  world: { env: { MCPMQTT_CERT: client.cert } },
});

connects("tls.server_name stands for the host in the certificate", {
  listener: { identity: authority.issue({ name: "broker", hosts: ["broker.example"] }) },
  mqtt: (port) => ({
    url: `mqtts://127.0.0.1:${port}`,
    tls: { ca: "ca.pem", server_name: "broker.example" },
  }),
});

const between = authority.issueAuthority({ name: "between" });
const ofBetween = between.issue({ name: "broker", hosts: HOSTS });

connects("tls with an authority in between, whose certificate the broker sends along", {
  listener: { identity: { cert: ofBetween.cert + between.cert, key: ofBetween.key } },
  mqtt: (port) => ({ url: `mqtts://localhost:${port}`, tls: { ca: "ca.pem" } }),
});

const selfSigned = makeSelfSigned({ name: "broker", hosts: HOSTS });

connects("tls takes a self-signed certificate that stands in tls.ca", {
  listener: { identity: selfSigned },
  mqtt: (port) => ({ url: `mqtts://localhost:${port}`, tls: { ca: selfSigned.cert } }),
});

connects("tls.verify false takes a self-signed and expired certificate", {
  listener: { identity: makeSelfSigned({ name: "x", hosts: ["x"], notAfter: ago(1) }) },
  mqtt: (port) => ({ url: `mqtts://localhost:${port}`, tls: { verify: false } }),
});

const NOT_ACCEPTED =
  "the certificate of the broker at ADDRESS is not accepted: it is not signed by " +
  "an authority of mqtt.tls.ca, is not valid now, or is not one for servers; " +
  "mcpmqtt check says which";

fails("tls says that the authority is not known", {
  mqtt: { tls: {} },
  says: NOT_ACCEPTED.replace("of mqtt.tls.ca", "known here (see mqtt.tls.ca)"),
  checkSays: "the certificate of the broker at ADDRESS is signed by no authority known here; " +
    "set mqtt.tls.ca to the certificate of the authority that signed it",
});

const NOT_SIGNED = "the certificate of the broker at ADDRESS is not signed by an authority of " +
  "mqtt.tls.ca; set it to the certificate of the one that signed it";

fails("tls says that the authority is another one, of the same name too", {
  listener: { identity: impostor.issue({ name: "broker", hosts: HOSTS }) },
  says: NOT_ACCEPTED,
  checkSays: NOT_SIGNED,
});

fails("tls says that a self-signed certificate is not trusted", {
  listener: { identity: makeSelfSigned({ name: "broker", hosts: HOSTS }) },
  says: NOT_ACCEPTED,
  checkSays: NOT_SIGNED,
});

fails("tls says that the certificate has expired", {
  listener: {
    identity: authority.issue({
      name: "broker",
      hosts: HOSTS,
      notBefore: ago(3),
      notAfter: ago(2),
    }),
  },
  says: NOT_ACCEPTED,
  checkSays: "the certificate of the broker at ADDRESS has expired; its owner must renew it " +
    "(or this machine's clock is wrong)",
});

fails("tls says that the certificate is not valid yet", {
  listener: {
    identity: authority.issue({
      name: "broker",
      hosts: HOSTS,
      notBefore: ago(-2),
      notAfter: ago(-3),
    }),
  },
  says: NOT_ACCEPTED,
  checkSays: "the certificate of the broker at ADDRESS is not valid yet; " +
    "compare the clocks of this machine and of the broker",
});

fails("tls says that the certificate is for another host, and nothing of what stands in it", {
  listener: { identity: authority.issue({ name: "broker", hosts: ["other.example"] }) },
  says: 'the certificate of the broker at ADDRESS is not for the name "127.0.0.1"; ' +
    "set mqtt.tls.server_name (or mqtt.host) to a name that stands in the certificate",
});

fails("tls says that the certificate is not for tls.server_name", {
  mqtt: { tls: { ca: "ca.pem", server_name: "other.example" } },
  says: 'the certificate of the broker at ADDRESS is not for the name "other.example"; ' +
    "set mqtt.tls.server_name (or mqtt.host) to a name that stands in the certificate",
});

fails("tls says that the certificate is not one for servers", {
  listener: { identity: authority.issue({ name: "broker" }) },
  says: NOT_ACCEPTED,
  checkSays: "the certificate of the broker at ADDRESS is not one for servers; " +
    "its owner must make one with the extended key usage serverAuth",
});

const VERSION_1 = "a certificate of the broker at ADDRESS is of X.509 version 1, which cannot be " +
  "checked; its owner must make it anew as version 3, with subjectAltName";

// Deno's node:tls takes both, whoever has signed them.
for (const [whose, issuer] of [["the authority", authority], ["an impostor", impostor]] as const) {
  fails(`tls refuses a certificate of version 1 signed by ${whose} before it sends anything`, {
    listener: { identity: issuer.issue({ name: "localhost", version: 1 }) },
    mqtt: { host: "localhost" },
    says: VERSION_1,
  });
}

fails("tls says that the broker requires a client certificate", {
  listener: mutual,
  says: "the broker at ADDRESS requires a client certificate; set mqtt.tls.cert and mqtt.tls.key",
});

const refused = impostor.issue({ name: "client" });
fails("tls says that the broker does not know who signed the client certificate", {
  listener: { identity, clientAuthority: makeAuthority("a third").cert },
  mqtt: { tls: { ca: "ca.pem", cert: refused.cert, key: refused.key } },
  says: "the broker at ADDRESS refused the client certificate of mqtt.tls.cert: " +
    "it is signed by no authority that the broker knows",
});

const expired = authority.issue({ name: "client", notBefore: ago(3), notAfter: ago(2) });
fails("tls says that the client certificate has expired", {
  listener: mutual,
  mqtt: { tls: { ca: "ca.pem", cert: expired.cert, key: expired.key } },
  says: "the broker at ADDRESS refused the client certificate of mqtt.tls.cert: it has expired",
});

fails("tls says that the port speaks no TLS", {
  listener: {},
  says: "ADDRESS closed the connection during the TLS handshake; check mqtt.host and mqtt.port; " +
    'if that port speaks no TLS, set mqtt.transport to "tcp"',
});

fails("tcp says that the port may speak TLS", {
  mqtt: { transport: "tcp", tls: {} },
  says: "ADDRESS reset the connection without accepting it; check mqtt.host and mqtt.port; " +
    'if that port speaks TLS or WebSocket, set mqtt.transport to "tls", "ws" or "wss"',
});

const NOT_AUTHORIZED = "the broker refused the connection: REASON; check mqtt.username and " +
  "mqtt.password";
for (
  const [version, reason] of [["5", "135 (Not authorized)"], [
    "3.1.1",
    "5 (not authorized)",
  ]] as const
) {
  fails(`tls says that the password is wrong, MQTT ${version}`, {
    listener: { identity, users: { ada: "another" } },
    mqtt: { protocol_version: version },
    says: NOT_AUTHORIZED.replace("REASON", reason),
  });
}

for (
  const [what, tls] of [
    ["is for tls.server_name", { ca: "ca.pem", server_name: "broker.example" }],
    ["is not checked", { verify: false }],
  ] as const
) {
  fails(`tls says that the password is wrong if the certificate ${what}`, {
    listener: {
      identity: authority.issue({ name: "broker", hosts: ["broker.example"] }),
      users: { ada: "another" },
    },
    mqtt: { tls },
    says: NOT_AUTHORIZED.replace("REASON", "135 (Not authorized)"),
  });
}

fails("tls says that a login is needed", {
  listener: { identity, users: { ada: "another" } },
  mqtt: { username: null, password: null },
  says:
    "the broker refused the connection: 135 (Not authorized); set mqtt.username and mqtt.password",
});

const VERIFY_FALSE =
  "mqtt.tls.verify: the broker's certificate is not checked; anyone on the way can read and change " +
  "everything";

Deno.test({
  name: "mcpmqtt check and mcpmqtt serve warn of tls.verify false",
  ignore: !mosquittoAvailable(),
  fn: async () => {
    await using broker = await startListener({ identity });
    const config = { mqtt: { url: `mqtts://localhost:${broker.port}`, tls: { verify: false } } };
    const check = await run("check", config);
    assert.equal(check.code, 0, check.stderr);
    assert.ok(check.stdout.includes(VERIFY_FALSE), check.stdout);
    assert.match(check.stdout, /MQTT 5, TLS \(certificate not checked\)/);
    const serve = await run("serve", config);
    assert.ok(serve.stderr.includes(VERIFY_FALSE), serve.stderr);
    assert.match(serve.stderr, /WARNING/);
  },
});

Deno.test({
  name: "a certificate that is not accepted costs one connection, and in mcpmqtt check a second",
  ignore: !mosquittoAvailable(),
  fn: async () => {
    await using broker = await startListener({
      identity: impostor.issue({ name: "b", hosts: HOSTS }),
    });
    const mqtt = { host: "127.0.0.1", transport: "tls", tls: { ca: authority.cert } };
    await using proxy = new FaultProxy(broker);
    await using connection = await begin({ ...mqtt, port: proxy.port });
    await until(() => connection.status.lastError);
    assert.equal(proxy.accepted, 1);
    await connection.close();
    await using another = new FaultProxy(broker);
    await checkFailure({ ...mqtt, port: another.port });
    assert.equal(another.accepted, 2);
  },
});

Deno.test({
  name: "mqtt.url may hold an IPv6 address, for tls and for wss",
  ignore: !mosquittoAvailable() || !hasIpv6(),
  fn: async () => {
    for (const [scheme, lines] of [["mqtts", []], ["wss", ["protocol websockets"]]] as const) {
      const port = freePort();
      await using _broker = await startListener({
        identity,
        lines: ({ cert, key }) => [
          `listener ${port} ::1`,
          `certfile ${cert}`,
          `keyfile ${key}`,
          ...lines,
        ],
      });
      const url = `${scheme}://[::1]:${port}`;
      const { code, stdout } = await run("check", { mqtt: { url, tls: { ca: authority.cert } } });
      assert.equal(code, 0, stdout);
      assert.ok(stdout.includes(url), stdout);
    }
  },
});

function hasIpv6(): boolean {
  return Deno.networkInterfaces().some(({ address }) => address === "::1");
}

/** The program as a user runs it, with no input. */
async function run(
  command: string,
  config: object,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  await using launched = await launch({ args: [command], config });
  const { args, cwd, env } = launched;
  const process = new Deno.Command(launched.command, { args, cwd, env, stdin: "null" });
  const { code, stdout, stderr } = await process.output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
