/**
 * Why a connection could not be made or was lost, said for the person who runs the program.
 *
 * @module
 */
import { messageOf } from "../../errors.ts";
import { at, faultOf, type FaultyAddress, type LinkErrorKind } from "./faults.ts";
import { reasonCodeName } from "./reason_codes.ts";

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
  static from(error: unknown, address: FaultyAddress): LinkError {
    return describe(error, { address, isAccepted: true });
  }

  /** As {@linkcode LinkError.from}, for a connection that the broker has not accepted yet. */
  static whileConnecting(error: unknown, address: FaultyAddress): LinkError {
    return describe(error, { address, isAccepted: false });
  }
}

function describe(
  error: unknown,
  stage: { readonly address: FaultyAddress; readonly isAccepted: boolean },
): LinkError {
  if (error instanceof LinkError) return error;
  const code = (error as { code?: unknown } | null | undefined)?.code;
  const { address } = stage;
  const isReasonCode = typeof code === "number" && !(error instanceof DOMException);
  if (isReasonCode) return refusal(code, { address, cause: error });
  const message = messageOf(error);
  const fault = faultOf(`${String(code)} ${message}`, stage);
  if (fault !== undefined) return new LinkError(fault.kind, fault.message, { cause: error });
  // The message may hold what the broker sent; a code never does, and looks like no sentence.
  const name = typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : "";
  return new LinkError("network", `the connection to ${at(address)} failed${name}`, {
    cause: error,
  });
}

function refusal(
  code: number,
  { address, cause }: { readonly address: FaultyAddress; readonly cause: unknown },
): LinkError {
  const options = { reasonCode: code, cause };
  if (code === 1 || code === 0x84) {
    return new LinkError("version", "the broker does not speak this MQTT version", options);
  }
  const advice = ADVICE[code] === CREDENTIALS && address.username === undefined
    ? NO_CREDENTIALS
    : ADVICE[code];
  return new LinkError(
    "refused",
    `the broker refused the connection: ${reasonCodeName(code)}${advice ? `; ${advice}` : ""}`,
    options,
  );
}

const CREDENTIALS = "check mqtt.username and mqtt.password";
const NO_CREDENTIALS = "set mqtt.username and mqtt.password";
const ADVICE: Readonly<Record<number, string>> = {
  2: "check mqtt.client_id",
  4: CREDENTIALS,
  5: CREDENTIALS,
  0x85: "check mqtt.client_id",
  0x86: CREDENTIALS,
  0x87: CREDENTIALS,
};
