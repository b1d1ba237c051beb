/**
 * The battery devices of the simulated house, as a Zigbee bridge shows them: one of them is dead.
 *
 * @module
 */

/** A device, and what it says after so many readings; without `says` it has fallen silent. */
interface Device {
  readonly name: string;
  readonly model: string;
  readonly battery: number;
  readonly exposes: readonly string[];
  says?(tick: number): Readonly<Record<string, unknown>>;
}

/** Readings from one shower to the next, of which the bathroom is above 70 %RH for three. */
const SHOWER_TICKS = 12;
/** Readings for which the window stays as it is. */
const WINDOW_TICKS = 4;
/** How long ago the dead device was heard of, in milliseconds: three days. */
const SILENT_MS = 3 * 24 * 60 * 60_000;

const DEVICES: readonly Device[] = [
  {
    name: "bathroom",
    model: "climate sensor",
    battery: 93,
    exposes: ["temperature", "humidity", "battery", "linkquality", "last_seen"],
    says(tick): { temperature: number; humidity: number } {
      const phase = tick % SHOWER_TICKS;
      return { temperature: 22.8, humidity: 50 + 5 * Math.min(phase, SHOWER_TICKS - phase) };
    },
  },
  {
    name: "kitchen_window",
    model: "contact sensor",
    battery: 61,
    exposes: ["contact", "tamper", "battery", "linkquality", "last_seen"],
    says: (tick) => ({ contact: Math.floor(tick / WINDOW_TICKS) % 2 === 0, tamper: false }),
  },
  {
    name: "hall_motion",
    model: "motion sensor",
    battery: 14,
    exposes: ["occupancy", "illuminance", "battery", "linkquality", "last_seen"],
    says: () => ({ occupancy: false, illuminance: 37 }),
  },
  {
    name: "cellar_leak",
    model: "leak sensor",
    battery: 4,
    exposes: ["water_leak", "battery", "linkquality", "last_seen"],
  },
];

/** A message to be retained. */
export interface ZigbeeMessage {
  readonly topic: string;
  readonly payload: object;
}

/** What a bridge has retained when it starts: the list of its devices, and the dead one's last word. */
export function zigbeeAtStart(now: number): ZigbeeMessage[] {
  const silent = DEVICES.filter(({ says }) => says === undefined);
  return [
    { topic: "zigbee/bridge/devices", payload: DEVICES.map(description) },
    ...silent.map((device) => message(device, { water_leak: false }, now - SILENT_MS)),
  ];
}

/** What the devices say at one reading; `now` in milliseconds since the epoch. */
export function zigbeeReadings(tick: number, now: number): ZigbeeMessage[] {
  return DEVICES.flatMap((device) => {
    const values = device.says?.(tick);
    return values === undefined ? [] : [message(device, values, now)];
  });
}

function message({ name, battery }: Device, values: object, at: number): ZigbeeMessage {
  const payload = {
    ...values,
    battery,
    linkquality: 40 + battery,
    last_seen: new Date(at).toISOString(),
  };
  return { topic: `zigbee/${name}`, payload };
}

/** As long-winded as the bridges of the world are: some 6 KB for all. */
function description({ name, model, exposes }: Device, index: number): object {
  return {
    ieee_address: `0x00158d00045f1a0${index}`,
    friendly_name: name,
    type: "EndDevice",
    network_address: 4_096 + index,
    power_source: "Battery",
    supported: true,
    definition: {
      vendor: "Demo",
      model,
      description: `Battery-powered ${model}`,
      exposes: exposes.map((property) => ({
        access: 1,
        category: "diagnostic",
        name: property,
        property,
        label: property.replaceAll("_", " "),
        description: `Value of ${property} as the device has measured it and last reported it`,
        type: "numeric",
      })),
    },
    endpoints: {
      1: { bindings: [], clusters: { input: ["genBasic", "genPowerCfg"], output: [] } },
    },
  };
}
