/**
 * What the rooms of the simulated house say of themselves to Home Assistant: one message for each
 * sensor and light, with the short names of keys that devices send.
 *
 * @module
 */

/** A message to be retained. */
export interface DiscoveryMessage {
  readonly topic: string;
  readonly payload: object;
}

/** The names that people give to the rooms, where a capital letter does not make them. */
const SPOKEN: Readonly<Record<string, string>> = { living: "Living room" };

/** The descriptions of one room, by the name that it has in topics. */
export function roomDiscovery(room: string): DiscoveryMessage[] {
  const common = {
    // The house is there as long as its status says so.
    avty_t: "status/system",
    avty_tpl: "{{ value_json.state }}",
    pl_avail: "ok",
    dev: {
      ids: `demo_${room}`,
      name: spoken(room),
      mf: "Demo",
      mdl: "room",
      sa: spoken(room),
    },
  };
  const message = (component: string, object: string, own: object): DiscoveryMessage => ({
    topic: `homeassistant/${component}/${room}_${object}/config`,
    payload: { name: capital(object), uniq_id: `demo_${room}_${object}`, ...own, ...common },
  });
  const sensor = (quantity: string, unit: string): DiscoveryMessage =>
    message("sensor", quantity, {
      stat_t: `sensors/${room}/${quantity}`,
      dev_cla: quantity,
      stat_cla: "measurement",
      unit_of_meas: unit,
    });
  return [
    sensor("temperature", "°C"),
    sensor("humidity", "%"),
    message("light", "light", {
      "~": `actuators/lights/${room}`,
      stat_t: "~/state",
      stat_val_tpl: "{{ 'ON' if value_json.on else 'OFF' }}",
      cmd_t: "~/set",
    }),
  ];
}

function spoken(room: string): string {
  return SPOKEN[room] ?? capital(room);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
