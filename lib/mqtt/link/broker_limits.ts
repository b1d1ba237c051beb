/**
 * What a broker says of itself when it accepts a connection.
 *
 * @module
 */
import type { IConnackPacket } from "mqtt";
import type { QoS } from "../../messages/message.ts";

/** What the broker said it takes, MQTT 5.0 §3.2.2.3; the defaults stand for what it did not say. */
export interface BrokerLimits {
  readonly receiveMaximum: number;
  readonly maximumQos: QoS;
  readonly retainAvailable: boolean;
  /** Bytes of one packet; undefined where there is no limit. */
  readonly maximumPacketSize: number | undefined;
  /** Below what answers may be asked for: Response Information, §3.2.2.3.15. */
  readonly responseInformation: string | undefined;
}

/** What the properties of the CONNACK say. */
export function brokerLimits(
  { properties = {} }: Pick<IConnackPacket, "properties">,
): BrokerLimits {
  const { maximumQoS, responseInformation: prefix }: {
    maximumQoS?: number;
    responseInformation?: unknown;
  } = properties;
  return {
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    maximumQos: maximumQoS === 0 ? 0 : maximumQoS === 1 ? 1 : 2,
    retainAvailable: properties.retainAvailable ?? true,
    maximumPacketSize: properties.maximumPacketSize,
    responseInformation: typeof prefix === "string" && prefix !== "" ? prefix : undefined,
  };
}
