import fc from "fast-check";
import assert from "node:assert/strict";
import { LinkError } from "../../lib/mqtt/faults/link_error.ts";
import { settingsFor } from "./connections.ts";

/** What Node, Deno, mqtt.js and ws report, one for each row of the table and more. */
const REPORTS = [
  "Client network socket disconnected before secure TLS connection was established",
  "read ECONNRESET",
  "Broken pipe (os error 32)",
  "socket hang up",
  "Invalid header flag bits, must be 0x0 for puback packet",
  "Cannot parse protocolId",
  "connect ECONNREFUSED 127.0.0.1:1883",
  "getaddrinfo ENOTFOUND broker",
  "connect EHOSTUNREACH 10.0.0.1",
  "connect ETIMEDOUT",
  "connack timeout",
  "Keepalive timeout",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "invalid peer certificate: certificate expired: verification time 1",
  "CERT_NOT_YET_VALID",
  "invalid peer certificate: certificate does not allow extended key usage for server authentication",
  "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
  "CERT_VERSION_1",
  "invalid peer certificate: UnknownIssuer",
  "CERT_SIGNATURE_FAILURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_CHAIN_TOO_LONG",
  "invalid peer certificate: BadEncoding",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "received fatal alert: CertificateRequired",
  "received fatal alert: UnknownCA",
  "received fatal alert: CertificateExpired",
  "received fatal alert: CertificateRevoked",
  "received fatal alert: BadCertificate",
  "received fatal alert: ProtocolVersion",
  "received fatal alert: UnrecognisedName",
  "ERR_SSL_UNSUPPORTED_PROTOCOL",
  "received fatal alert: InternalError",
  "Unexpected server response: 401",
  "Unexpected server response: 404",
  "Server sent no subprotocol",
  "Parse Error: Expected HTTP/",
  "Invalid Sec-WebSocket-Accept header",
  "nothing of this",
];

const WAYS = ["from", "whileConnecting"] as const;

/** An address whose path and login must not be shown, over each transport. */
const addresses = (["tcp", "tls", "ws", "wss"] as const).flatMap((transport) =>
  [undefined, "PEM"].map((pem) => {
    const { address } = settingsFor({ host: "broker.example", port: 1 });
    const tls = { ...address.tls, ca: pem, cert: pem, key: pem };
    const login = { username: "U5ER", password: "P4SSWORD" };
    return { ...address, ...login, transport, path: "/P4TH/x?token=QU3RY", tls };
  })
);

const anyAddress = fc.constantFrom(...addresses);
const anyWay = fc.constantFrom(...WAYS);
/** Text of a broker that knows what the program looks for. */
const hostileText = fc.array(
  fc.oneof(fc.constantFrom(...REPORTS), fc.string({ unit: "binary" }), fc.constant("\n")),
  { maxLength: 4 },
).map((parts) => parts.join(" "));

/** All that is ever said of `address`, but for codes and reason codes. */
function sentencesOf(address: typeof addresses[number]): Set<string> {
  return new Set(
    WAYS.flatMap((way) =>
      REPORTS.map((report) => LinkError[way](new Error(report), address).message)
    ),
  );
}

Deno.test("LinkError has a sentence for each report", () => {
  const general = "the connection to broker.example:1 failed";
  const [onlyBefore] = REPORTS;
  for (const [way, unknown] of [["from", [onlyBefore]], ["whileConnecting", []]] as const) {
    for (const address of addresses) {
      const said = REPORTS.map((report) => LinkError[way](new Error(report), address).message);
      assert.deepEqual(REPORTS.filter((_, i) => said[i] === general), [
        ...unknown,
        "nothing of this",
      ]);
      // Some reports mean the same, and without a client certificate some more.
      const count = (address.tls.cert === undefined ? 28 : 32) - unknown.length;
      assert.equal(new Set(said).size, count);
    }
  }
});

Deno.test("LinkError takes nothing from a message but which of its sentences fits", () => {
  const known = new Map(addresses.map((address) => [address, sentencesOf(address)]));
  fc.assert(
    fc.property(anyWay, anyAddress, hostileText, (way, address, text) => {
      for (const error of [new Error(text), text, Object.assign(new Error(text), { code: text })]) {
        const { message } = LinkError[way](error, address);
        assert.ok(known.get(address)?.has(message), message);
      }
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("LinkError shows a code only if it looks like one", () => {
  const { address } = settingsFor({ host: "broker.example", port: 1 });
  const said = (code: unknown): string => {
    return LinkError.from(Object.assign(new Error("?"), { code }), address).message;
  };
  const general = "the connection to broker.example:1 failed";
  assert.equal(said("ENETDOWN"), `${general} (ENETDOWN)`);
  for (const code of ["ignore_all_of_it", "E", "EX AMPLE", "E\n", "É", `E${"X".repeat(41)}`, {}]) {
    assert.equal(said(code), general);
  }
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (code) => {
      const shown = said(code).replace(general, "");
      assert.match(shown, /^(?: \([A-Z][A-Z0-9_]{1,40}\))?$/);
    }),
  );
});

Deno.test("LinkError shows of a refusal the number and its name in the specification", () => {
  fc.assert(
    fc.property(anyWay, anyAddress, fc.nat(255), hostileText, (way, address, code, text) => {
      const error = Object.assign(new Error(text), { code });
      const { message, reasonCode } = LinkError[way](error, address);
      assert.equal(reasonCode, code);
      assert.match(
        message,
        /^the broker (?:does not speak this MQTT version|refused the connection: \d{1,3} \([A-Za-z ]+\)(?:; check mqtt\.[a-z_]+(?: and mqtt\.password)?)?)$/,
      );
    }),
  );
});

Deno.test("LinkError does not take the number of a DOMException for a reason code", () => {
  const { address } = settingsFor({ host: "broker.example", port: 1 });
  const { kind, message } = LinkError.from(new DOMException("?", "AbortError"), address);
  assert.deepEqual([kind, message], ["network", "the connection to broker.example:1 failed"]);
});

Deno.test("LinkError shows neither login nor path nor query", () => {
  for (const address of addresses) {
    const url = `ws://U5ER:P4SSWORD@broker.example:1${address.path}`;
    for (const way of WAYS) {
      for (const report of [...REPORTS, "Invalid URL"]) {
        const error = Object.assign(new Error(`${report}: ${url}`), { input: url });
        assert.doesNotMatch(LinkError[way](error, address).message, /U5ER|P4SSWORD|P4TH|QU3RY/);
      }
    }
  }
});

Deno.test("LinkError passes on what is one, and takes what is no error", () => {
  const { address } = settingsFor({ host: "broker.example", port: 1 });
  const error = new LinkError("denied", "as it is");
  assert.equal(LinkError.from(error, address), error);
  for (const nothing of [undefined, null, Symbol("x"), {}]) {
    const { message } = LinkError.whileConnecting(nothing, address);
    assert.equal(message, "the connection to broker.example:1 failed");
  }
});
