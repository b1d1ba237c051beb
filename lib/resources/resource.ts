/**
 * What a resource is, and which there are.
 *
 * @module
 */
import { showStatus } from "../access/status.ts";
import type { Session } from "../access/session.ts";
import { topicExamples } from "./topic_examples.ts";
import { allowedTopics } from "./topics_allowed.ts";

/** A resource of a fixed URI whose content is JSON. */
export interface Resource {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  read(session: Session, signal: AbortSignal): unknown;
}

/** The resources of fixed URIs. */
export const RESOURCES: readonly Resource[] = [
  {
    uri: "mcpmqtt://topics/allowed",
    name: "topics_allowed",
    title: "Granted topics",
    description: "Which topics may be read and written, with the owner's descriptions",
    read: allowedTopics,
  },
  {
    uri: "mcpmqtt://topics/examples",
    name: "topics_examples",
    title: "Examples for the granted topics",
    description: "For each rule concrete topics and the tool calls that use them",
    read: topicExamples,
  },
  {
    uri: "mcpmqtt://status",
    name: "status",
    title: "Status",
    description: "The connection, the watches, the limits and the grants; as mqtt_status",
    read: ({ access, watches }, signal) => showStatus(access, watches, signal),
  },
];
