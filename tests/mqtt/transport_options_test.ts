import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { PeerCertificate } from "node:tls";
import type { TlsConfig } from "../../lib/config/config.ts";
import type { ServerIdentityCheck } from "../../lib/mqtt/link/server_identity.ts";
import { transportOptions } from "../../lib/mqtt/link/transport_options.ts";
import { derOf, type Identity, makeAuthority, pemOf } from "../brokers/certificates.ts";
import { until } from "../brokers/until.ts";
import { settingsFor } from "./connections.ts";
import { begin, connectFailure, type MqttOptions, startWitness } from "./transports.ts";

const BROKER = { name: "localhost", hosts: ["localhost"] };
const authority = makeAuthority();
const between = authority.issueAuthority({ name: "between" });
const curved = makeAuthority("curved", { signing: "ECDSA, P-521, SHA-512" });
const padded = makeAuthority("padded", { signing: "RSASSA-PSS, SHA-256" });
/** Another one by the same name. */
const impostor = makeAuthority();
const forgedBetween = impostor.issueAuthority({ name: "between" });

/** A broker's certificate with what is sent after it, and the key. */
function shown({ cert, key }: Identity, ...others: string[]): Pick<Identity, "cert" | "key"> {
  return { cert: [cert, ...others].join(""), key };
}

/** The end of a chain that names the authority as its issuer. */
const forgedEnd = impostor.issueAuthority({ name: "forged end", version: 1 });
const longWay: string[] = [];
let lowest = forgedEnd;
for (let i = 0; i < 16; i++) {
  lowest = lowest.issueAuthority({ name: `step ${i}` });
  longWay.unshift(lowest.cert);
}
const twice = makeAuthority("forged end").issueAuthority({ name: "twice" });
const sloppy = impostor.issueAuthority({ name: "sloppy", isBer: true });

const VERSION_1 = "a certificate of the broker at ADDRESS is of X.509 version 1, which cannot be " +
  "checked; its owner must make it anew as version 3, with subjectAltName";
const CANNOT_BE_CHECKED = "the certificate of the broker at ADDRESS cannot be checked; its owner " +
  "must make another one";
const NOT_SIGNED = "the certificate of the broker at ADDRESS is not signed by an authority of " +
  "mqtt.tls.ca; set it to the certificate of the one that signed it";
const NOT_ACCEPTED = "the certificate of the broker at ADDRESS is not accepted: it is not signed " +
  "by an authority of mqtt.tls.ca, is not valid now, or is not one for servers; " +
  "mcpmqtt check says which";

/** Chains that a man in the middle can make without the key of the authority, and what is said. */
const FORGED: Readonly<Record<string, readonly [Pick<Identity, "cert" | "key">, says: string]>> = {
  "by an impostor": [shown(impostor.issue(BROKER), impostor.cert), NOT_ACCEPTED],
  "of version 1": [shown(impostor.issue({ ...BROKER, version: 1 })), VERSION_1],
  "of version 2": [shown(impostor.issue({ ...BROKER, version: 2 })), VERSION_1],
  "below one of version 1": [shown(forgedEnd.issue(BROKER), forgedEnd.cert), VERSION_1],
  "below one of version 1, a long way up": [
    shown(lowest.issue(BROKER), ...longWay, forgedEnd.cert),
    CANNOT_BE_CHECKED,
  ],
  "below one that comes twice and one of version 1": [
    shown(twice.issue(BROKER), twice.cert, twice.cert, forgedEnd.cert),
    VERSION_1,
  ],
  "below one with a byte too many": [
    shown(
      between.issue(BROKER),
      pemOf(Uint8Array.of(...derOf(forgedBetween.cert), 0)),
      impostor.cert,
    ),
    CANNOT_BE_CHECKED,
  ],
  "with something after it that is no certificate": [
    shown(impostor.issue({ ...BROKER, version: 1 }), pemOf(new TextEncoder().encode("no DER"))),
    CANNOT_BE_CHECKED,
  ],
  "below one that is not exactly DER": [
    shown(sloppy.issue(BROKER), sloppy.cert, impostor.cert),
    NOT_SIGNED,
  ],
};

for (const transport of ["tls", "wss"]) {
  const options = (port: number, tls: object): MqttOptions => {
    const login = { username: "ada", password: "very secret" };
    return {
      host: "127.0.0.1",
      port,
      transport,
      ...login,
      tls: { server_name: "localhost", ...tls },
    };
  };

  for (const [what, [identity, says]] of Object.entries(FORGED)) {
    Deno.test(`${transport} refuses a chain ${what} before it sends anything`, async () => {
      let received = (): string => "";
      {
        await using witness = await startWitness(identity);
        received = witness.received;
        const message = await connectFailure(options(witness.port, { ca: authority.cert }));
        assert.equal(message, says.replace("ADDRESS", `127.0.0.1:${witness.port}`));
      }
      assert.equal(received(), "");
    });
  }

  for (
    const [what, identity, tls] of [
      ["a sound chain", shown(between.issue(BROKER), between.cert), { ca: authority.cert }],
      ["a chain signed with P-521", curved.issue(BROKER), { ca: curved.cert }],
      ["a chain signed with RSASSA-PSS", padded.issue(BROKER), { ca: padded.cert }],
      ["any chain with tls.verify false", shown(forgedEnd.issue(BROKER)), { verify: false }],
      [
        "what is no chain with tls.verify false",
        shown(forgedEnd.issue(BROKER), pemOf(new TextEncoder().encode("no DER"))),
        { verify: false },
      ],
    ] as const
  ) {
    Deno.test(`${transport} sends what it has to say over ${what}`, async () => {
      await using witness = await startWitness(identity);
      await using _connection = await begin(options(witness.port, tls));
      const expected = transport === "tls" ? "very secret" : "GET /mqtt HTTP/1.1";
      await until(() => witness.received().includes(expected));
    });
  }
}

for (const transport of ["tls", "wss"] as const) {
  for (const verify of [true, false]) {
    Deno.test(`transportOptions() of ${transport} checks the certificate: ${verify}`, async () => {
      const { address } = settingsFor({ host: "localhost", port: 1 });
      const tls: TlsConfig = { ...address.tls, ca: authority.cert, verify };
      const { wsOptions, ...own } = await transportOptions({ ...address, transport, tls });
      for (const options of transport === "wss" ? [own, wsOptions] : [own]) {
        const { rejectUnauthorized, checkServerIdentity } = options as {
          readonly rejectUnauthorized: boolean;
          readonly checkServerIdentity?: ServerIdentityCheck;
        };
        assert.equal(rejectUnauthorized, verify);
        const accepted = [authority, impostor].map((issuer) => {
          const raw = Buffer.from(derOf(issuer.issue(BROKER).cert));
          const own = { subject: {}, subjectaltname: "DNS:localhost", raw };
          const check = checkServerIdentity?.("localhost", own as unknown as PeerCertificate);
          return checkServerIdentity && check === undefined;
        });
        assert.deepEqual(accepted, verify ? [true, false] : [undefined, undefined]);
      }
    });
  }
}
