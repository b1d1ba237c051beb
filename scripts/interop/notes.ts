/**
 * What is known to differ from broker to broker, and what the program does about it.
 *
 * @module
 */

/** The footnotes of the table, by the name that a check gives. */
export const NOTES = {
  fallback:
    "It does not speak MQTT 5. `auto` asks for 5 first and falls back to 3.1.1 at once, then remembers that for the connection.",
  silentFallback:
    'It does not speak MQTT 5, and says nothing to a CONNECT of it that has properties: it waits for more. `auto` falls back to 3.1.1 after half of `connect_timeout`, twice, then remembers that. `protocol_version: "3.1.1"` spares the wait.',
  qosLowered:
    "It takes the message at QoS 2 and delivers it at QoS 1, the most it grants. A message shows the QoS it came with, and `acknowledged` says only that the broker took it.",
  qosRaised:
    "It delivers at the QoS of the subscription, not at the lower of that and the publisher's, against [MQTT-3.8.4-8]. A message shows the QoS it came with.",
  replayedBeside:
    "It replays beside delivering: a message that is published in the moment of a subscription may come twice, as the retained one and live, or before the one that it replaced; a watch or call that joins others then may have the replaced one alone. What is replayed is marked `retain`; `where` with `changed` passes over the same value again, and `mqtt_read` a moment later has the last one.",
  replayedTwice:
    "It replays a retained message twice, both marked as retained, where it is still handing on the publish that set it. Two equal messages cannot be told from one sent twice, so both are shown.",
  connectionAbandoned:
    'Its log has "dictionary changed size during iteration": a client that connects while others come and go can be accepted and never answered, and a message that is published while somebody subscribes can be lost for some. A check that this fails is asked again of a broker that was started anew: "yes" came then, "no" failed three times. Where it meets the program, the call is `timeout` after 10 s or `not_connected`, and the program connects anew; what the broker lost nobody has. Let few calls begin at once, and take another broker for what must not be missed.',
  unreadableAcknowledgement:
    "It acknowledges a message that has user properties with the reason code 0x01, which a PUBACK cannot carry. The message is delivered, but its acknowledgement cannot be read: the call fails with `outcome: unknown`. At QoS 0 it works.",
  packetTooLarge:
    "It tells a Maximum Packet Size below 1 MB. A larger publish is `payload_too_large` before anything is sent.",
  silentSubscribe:
    "It accepts every SUBSCRIBE and delivers nothing of what its rules forbid. The program cannot know that: the call ends with no message.",
  closedOnSubscribe:
    "It closes the connection over a forbidden SUBSCRIBE. The program asks once more; then the call is `not_connected` and its hint names the topic filter as the likely cause. Other calls go on after the reconnection.",
  noReplayToWildcards:
    "It replays retained messages only to a filter without wildcards. `mqtt_read` of the topic's name gives them, and a watch of names sees what changed in an outage; `mqtt_topics` and `mqtt_devices` show what is published while they listen.",
  parentNotReplayed:
    "It does not replay a retained message on `a` to a new subscription to `a/#`, against §4.7.1.2; live messages on `a` come. Ask for `a` by its name.",
  dotsBecomeSlashes:
    "It translates `/` to `.` and back, so that a `.` in a topic name arrives as `/`. A message under another name than its filter matches is not delivered. Use topic names without dots.",
  silentPublish:
    "It acknowledges the message and drops it: MQTT 3.1.1 has no way to say no. The result claims no more than `acknowledged`.",
  closedOnPublish:
    "It closes the connection over a forbidden PUBLISH, as MQTT 3.1.1 allows. The call is `not_connected` with `outcome: unknown`; the program reconnects at once and takes running watches up again.",
  disconnectedOnPublish:
    "It answers a forbidden PUBLISH with a DISCONNECT that names the reason. The call is `broker_refused` with `outcome: unknown`; the program reconnects at once and takes running watches up again.",
  noAnswerToPublish:
    "It neither acknowledges a forbidden PUBLISH nor says no. The call is `timeout` with `outcome: unknown` after 10 s.",
  noSystemTopics: "It publishes nothing under `$SYS/`.",
  noSubscribersNotTold:
    "It does not say when nobody is subscribed, which MQTT 5 leaves to the broker. The result has no `no_subscribers` then.",
  unordered:
    "It delivers every message but not in the order in which they were published. Messages are shown in the order of arrival.",
  correlationNotSpoken:
    "MQTT 3.1.1 has no Correlation Data: queries side by side need a response topic each.",
} as const;

/** The name of a note. */
export type NoteId = keyof typeof NOTES;
