/** What a tool has at hand, without a broker. */

import type { Access } from "../../lib/access/access.ts";
import { Devices } from "../../lib/access/devices.ts";
import { Surveys } from "../../lib/access/surveys.ts";
import type { Watches } from "../../lib/access/watches.ts";
import type { Limits } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/load.ts";
import type { Message } from "../../lib/messages/message.ts";
import { SparkplugBirths } from "../../lib/messages/sparkplug_births.ts";
import type { Watch } from "../../lib/messages/watch.ts";
import type { CollectOptions, PublishOptions } from "../../lib/mqtt/connection.ts";
import type { Publication } from "../../lib/mqtt/link/link.ts";
import type { ToolContext } from "../../lib/tools/tool.ts";
import type { TopicFilter } from "../../lib/topics/topic_filter.ts";

/** What is there of it. */
export interface Scene {
  readonly limits: Limits;
  /** What comes on every collection, once it is in force; at each "turn" others have theirs. */
  readonly messages?: Iterable<Message | "turn">;
  /** The filters in force of every collection. */
  readonly filters?: readonly TopicFilter[];
  readonly watch?: Watch;
  /** Takes what is published. */
  readonly published?: Publication[];
  readonly signal?: AbortSignal;
  readonly retainedDelivered?: () => Promise<void>;
}

/** The default limits but for those given. */
export async function limitsWith(some: Partial<Limits> = {}): Promise<Limits> {
  const effects = { readTextFile: () => Promise.resolve("{}"), env: () => undefined };
  const { limits } = await loadConfig({ path: "/c.json", effects });
  return { ...limits, ...some };
}

/** A context that grants everything, and where nothing else happens than the scene says. */
export function contextOf(scene: Scene): ToolContext {
  const { limits, messages = [], filters, watch, published } = scene;
  const permissions = {
    decide(): { allowed: boolean; rule: undefined } {
      return { allowed: true, rule: undefined };
    },
  };
  const access = {
    grants: { limits, permissions, readOnly: false },
    status: { protocolVersion: "5" },
    sparkplug: new SparkplugBirths(),
    wantFor(): void {},
    assertWritable(): void {},
    publish(
      publication: Publication,
      { onSent }: PublishOptions,
    ): Promise<{ noSubscribers: boolean }> {
      published?.push(publication);
      onSent?.();
      return Promise.resolve({ noSubscribers: false });
    },
    collect(_topics: readonly string[], { onMessage }: CollectOptions): Promise<unknown> {
      const iterator = messages[Symbol.iterator]();
      const next = (): void => {
        for (let step = iterator.next(); !step.done; step = iterator.next()) {
          if (step.value === "turn") {
            timer = setTimeout(next);
            return;
          }
          onMessage(step.value);
        }
      };
      let timer = setTimeout(next);
      return Promise.resolve({
        filters: filters ?? [],
        narrowed: filters !== undefined,
        retainedDelivered: scene.retainedDelivered ?? (() => Promise.resolve()),
        [Symbol.asyncDispose](): Promise<void> {
          clearTimeout(timer);
          return Promise.resolve();
        },
      });
    },
  };
  const watches = { get: () => watch, start: () => Promise.resolve(watch) };
  return {
    access: access as unknown as Access,
    watches: watches as unknown as Watches,
    surveys: new Surveys(),
    devices: new Devices(access as unknown as Access),
    signal: scene.signal ?? new AbortController().signal,
  };
}
