/** Speaks to the convention of Home Assistant's discovery, for its tests. */
import assert from "node:assert/strict";
import type { Description, Entity } from "../../lib/devices/device.ts";
import { homeAssistant } from "../../lib/devices/home_assistant.ts";
import type { Json } from "../../lib/messages/json.ts";

/** The settings of a component or a device. */
export type Config = Readonly<Record<string, Json>>;

/** A convention, with how a test speaks to it. */
export interface Discovery {
  /** Takes a message; how many descriptions in it could not be understood. */
  take(topic: string, payload: Json | Uint8Array): number;
  devices(): Description[];
  entities(): Entity[];
}

export function discovery(prefix = "ha"): Discovery {
  const convention = homeAssistant(prefix);
  return {
    take(topic, payload) {
      const bytes = payload instanceof Uint8Array
        ? payload
        : new TextEncoder().encode(typeof payload === "string" ? payload : JSON.stringify(payload));
      const taking = convention.take({
        topic: `${prefix}/${topic}/config`,
        payload: bytes,
        qos: 0,
        retain: true,
        receivedAt: 0,
      });
      for (;;) {
        const { done, value } = taking.next();
        if (done === true) return value;
      }
    },
    devices: () => [...convention.devices()],
    entities: () => [...convention.devices()].flatMap(({ entities }) => entities),
  };
}

/** The entities of a component with a name. */
export function entitiesOf(component: string, config: Config): Entity[] {
  const ha = discovery();
  assert.equal(ha.take(`${component}/x`, { name: "X", ...config }), 0, JSON.stringify(config));
  return ha.entities();
}

/** The only description of a component, and how much was not understood. */
export function only(
  config: Json,
  component = "sensor",
): { description?: Description; left: number } {
  const ha = discovery();
  const left = ha.take(`${component}/x`, config);
  const [description, ...more] = ha.devices();
  assert.deepEqual(more, []);
  return { ...description === undefined ? {} : { description }, left };
}

/** All entities of a component, each on one line: name, place, command. */
export function shown(component: string, config: Config): string[] {
  return entitiesOf(component, config).map(({ name, kind, unit, read, writes }) => {
    assert.equal(kind, component);
    const place = read && `${read.topic}${read.path ?? ""}${read.converted ? "?" : ""}`;
    const { topic, payload, ...rest } = writes?.[0] ?? {};
    const write = topic && `${topic} ${payload} ${JSON.stringify(rest)}`;
    return [name, unit, place, write].map((part) => part ?? "-").join(" | ");
  });
}
