/**
 * Why a connection could not be made or was lost, said for the person who runs the program.
 *
 * @module
 */
import { reasonCodeName } from "./reason_codes.ts";

/**
 * What kind of failure it is: `version`, the broker does not speak the protocol version; `refused`,
 * the broker said no; `closed`, it closed the connection without a word; `timeout`; `denied`, this
 * process has no permission; `network`, all else on the way.
 */
export type LinkErrorKind = "version" | "refused" | "closed" | "timeout" | "denied" | "network";

/** A connection that could not be made, or was lost. The message holds no text from the broker. */
export class LinkError extends Error {
  override readonly name = "LinkError";
  readonly kind: LinkErrorKind;
  /** The CONNACK's reason or return code. */
  readonly reasonCode: number | undefined;

  constructor(
    kind: LinkErrorKind,
    message: string,
    options: { readonly reasonCode?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.reasonCode = options.reasonCode;
  }

  /** Puts what mqtt.js, Node or Deno reported into words. */
  static from(
    error: unknown,
    address: { readonly host: string; readonly port: number },
  ): LinkError {
    if (error instanceof LinkError) return error;
    const code = (error as { code?: unknown })?.code;
    if (typeof code === "number") return refusal(code, error);
    const at = `${address.host}:${address.port}`;
    const message = error instanceof Error ? error.message : String(error);
    const known = NETWORK_FAULTS.find(([pattern]) => pattern.test(`${String(code)} ${message}`));
    if (known !== undefined) {
      return new LinkError(known[2] ?? "network", known[1](at), { cause: error });
    }
    return new LinkError("network", `the connection to ${at} failed: ${oneLine(message)}`, {
      cause: error,
    });
  }
}

type Fault = readonly [RegExp, (at: string) => string, LinkErrorKind?];

const NETWORK_FAULTS: readonly Fault[] = [
  [/ECONNREFUSED/, (at) => `nothing accepts connections at ${at}; is the broker running there?`],
  [/ENOTFOUND|EAI_AGAIN|ENODATA/, (at) => `the host name of ${at} cannot be resolved`],
  [/EHOSTUNREACH|ENETUNREACH/, (at) => `no route to ${at}`],
  [/ETIMEDOUT|connack timeout/, (at) => `the broker at ${at} did not answer in time`, "timeout"],
  [/Keepalive timeout/, (at) => `the broker at ${at} did not answer the keep-alive`, "timeout"],
  [
    /ECONNRESET|EPIPE|ECONNABORTED|reset by peer|broken pipe/i,
    (at) => `the connection to ${at} was reset`,
    "closed",
  ],
];

function refusal(code: number, cause: unknown): LinkError {
  const options = { reasonCode: code, cause };
  if (code === 1 || code === 0x84) {
    return new LinkError("version", "the broker does not speak this MQTT version", options);
  }
  const advice = ADVICE[code];
  return new LinkError(
    "refused",
    `the broker refused the connection: ${reasonCodeName(code)}${advice ? `; ${advice}` : ""}`,
    options,
  );
}

const CREDENTIALS = "check mqtt.username and mqtt.password";
const ADVICE: Readonly<Record<number, string>> = {
  2: "check mqtt.client_id",
  4: CREDENTIALS,
  5: CREDENTIALS,
  0x85: "check mqtt.client_id",
  0x86: CREDENTIALS,
  0x87: CREDENTIALS,
};

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(0, 200);
}
