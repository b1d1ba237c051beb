/**
 * An application message as it arrived, before anything is decided about how it is shown.
 *
 * @module
 */

/** Quality of Service, MQTT 5.0 §4.3. */
export type QoS = 0 | 1 | 2;

/** The properties of a PUBLISH that mean something to an application, MQTT 5.0 §3.3.2.3. */
export interface MessageProperties {
  /** §3.3.2.3.9 */
  readonly contentType?: string;
  /** §3.3.2.3.5 */
  readonly responseTopic?: string;
  /** §3.3.2.3.6 */
  readonly correlationData?: Uint8Array;
  /** §3.3.2.3.7; a name may stand more than once, then its values are a list in their order. */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>;
  /** Seconds, §3.3.2.3.3. */
  readonly messageExpiryInterval?: number;
  /** Bytes of the user properties, if they were too large to be kept. */
  readonly omittedBytes?: number;
}

/** One message received from the broker. */
export interface Message {
  /** The topic name. */
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The QoS it was delivered with: the lower of the publisher's and the subscription's. */
  readonly qos: QoS;
  /** True only for a retained message, sent because of a new subscription [MQTT-3.3.1-8]. */
  readonly retain: boolean;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly properties?: MessageProperties;
}
