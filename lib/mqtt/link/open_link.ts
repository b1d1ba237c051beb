/**
 * Opens a network connection to a broker.
 *
 * @module
 */
import type { IClientOptions, MqttClient } from "mqtt";
import { Inbox } from "./inbox.ts";
import { Link, type LinkOptions } from "./link.ts";
import { LinkError } from "../faults/link_error.ts";
import { given } from "../../messages/json.ts";
import { bounded } from "../../wait.ts";
import { closedUnaccepted } from "../faults/faults.ts";
import { bracketed, transportOptions } from "./transport_options.ts";

/**
 * Opens a connection and waits for the CONNACK.
 *
 * @throws {LinkError} with what went wrong, in words for the person who runs the program.
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { address, signal } = options;
  const permission = await Deno.permissions.query({
    name: "net",
    host: `${bracketed(address.host)}:${address.port}`,
  });
  if (permission.state !== "granted") {
    throw new LinkError(
      "denied",
      `the program may not connect to ${address.host}:${address.port}; run it with --allow-net for that address`,
    );
  }
  const { default: mqtt } = await import("mqtt");
  const inbox = new Inbox();
  const settings = await clientOptions(options, inbox);
  signal.throwIfAborted();
  const client = mqtt.connect(settings);
  // A broker may say all it has to say in one segment: it is listened to from the first moment.
  const link = new Link(client, inbox, options);
  try {
    await connected(client, options);
    return link;
  } catch (error) {
    client.end(true);
    throw error;
  }
}

async function clientOptions(
  { address, ...options }: LinkOptions,
  inbox: Inbox,
): Promise<IClientOptions> {
  return {
    ...await transportOptions(address),
    ...given({ username: address.username, password: address.password }),
    keepalive: address.keepaliveSeconds,
    clientId: options.clientId,
    clean: true,
    ...(options.protocolVersion === "5"
      ? { protocolVersion: 5, properties: { requestResponseInformation: true } }
      : { protocolVersion: 4 }),
    incomingStore: inbox as unknown as NonNullable<IClientOptions["incomingStore"]>,
    // Its own clock starts with the stream only and says less: it is never the first to ring.
    connectTimeout: 2 * options.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: "native",
  };
}

/** Waits for the CONNACK. */
async function connected(client: MqttClient, options: LinkOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { address, signal, connectTimeoutMs: timeoutMs, silentMs = timeoutMs } = options;
  const onError = (error: unknown): void => reject(LinkError.whileConnecting(error, address));
  const onClose = (): void => {
    const { kind, message } = closedUnaccepted(address);
    reject(new LinkError(kind, message));
  };
  const onTimeout = (ms: number): LinkError => {
    const words = `did not answer within ${ms / 1000} s`;
    const kind = isReached(client) ? "silent" : "timeout";
    return new LinkError(kind, `the broker at ${address.host}:${address.port} ${words}`);
  };
  const timer = setTimeout(() => {
    if (isReached(client)) reject(onTimeout(silentMs));
  }, silentMs);
  client.once("connect", () => resolve()).once("error", onError).once("close", onClose);
  // mqtt.js keeps errors without a code, as those of ws are, to itself.
  client.stream.once("error", onError);
  try {
    await bounded(promise, {
      timeoutMs,
      signal,
      onTimeout: () => {
        throw onTimeout(timeoutMs);
      },
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Whether there is a network connection; of a WebSocket that is not known, and false. */
function isReached({ stream }: MqttClient): boolean {
  return (stream as { readonly connecting?: boolean }).connecting === false;
}
