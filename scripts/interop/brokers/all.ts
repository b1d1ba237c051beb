/**
 * The brokers, in the order of the table.
 *
 * @module
 */
import type { BrokerKind } from "../broker.ts";
import { aedes } from "./aedes.ts";
import { amqtt } from "./amqtt.ts";
import { hivemq } from "./hivemq.ts";
import { mochi } from "./mochi.ts";
import { mosquitto } from "./mosquitto.ts";
import { rabbitmq } from "./rabbitmq.ts";

export const BROKERS: readonly BrokerKind[] = [mosquitto, aedes, rabbitmq, mochi, hivemq, amqtt];
