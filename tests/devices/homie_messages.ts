/** Messages of devices that follow Homie. */
import { homie } from "../../lib/devices/homie.ts";
import type { Message } from "../../lib/messages/message.ts";
import { devicesOf, retained, take } from "./taking.ts";

/** A device of Homie 4 with one property, whose attributes may be others. */
export function four(attributes: Readonly<Record<string, string>>, version = "4.0.0"): Message[] {
  return [
    ["$homie", version],
    ["$name", "Hall"],
    ["$nodes", "main"],
    ["main/$name", "Main"],
    ["main/$properties", "one"],
    ...Object.entries(attributes).map(([name, value]) => [`main/one/${name}`, value]),
  ].map(([path, value]) => retained(`homie/hall/${path}`, value));
}

/** The entity of that property. */
export function fourth(attributes: Readonly<Record<string, string>>, version?: string): unknown {
  const convention = homie("homie");
  take(convention, ...four(attributes, version));
  return devicesOf(convention)["hall"]?.entities[0];
}

/** A device of Homie 5 whose node has these properties. */
export function five(properties: unknown, more: object = {}): string {
  return JSON.stringify({
    homie: "5.0",
    name: "Hall",
    nodes: { main: { name: "Main", properties } },
    ...more,
  });
}

/** The entity of a property of Homie 5. */
export function fifth(property: object): unknown {
  const convention = homie("homie");
  const message = retained("homie/5/hall/$description", five({ one: property }));
  take(convention, retained("homie/5/hall/$state", "ready"), message);
  return devicesOf(convention)["hall"]?.entities[0];
}

/** Where the value of the property is read and set. */
export const READ = { topic: "homie/hall/main/one" };
export const SET = { topic: "homie/hall/main/one/set", payload: "raw" };
export const SET_5 = { topic: "homie/5/hall/main/one/set", payload: "raw" };
