/**
 * The payload of `zigbee2mqtt/bridge/devices`: what each device is, and what it exposes. The keys are
 * those of Zigbee2MQTT 2.
 *
 * @module
 */

import { MAX_BRIGHTNESS } from "./devices.ts";

/** What may be done with a property: in the state, may be set, may be asked for. */
const ACCESS = { state: 1, stateAndGet: 5, all: 7 } as const;

/** A property, or a light or switch with its `features`. */
type Expose = Readonly<Record<string, unknown>>;

/** What there is to say of a device that is not the same for all of them. */
interface Described {
  readonly name: string;
  readonly address: string;
  readonly networkAddress: number;
  readonly type: "Router" | "EndDevice";
  readonly powerSource: string;
  readonly model: string;
  readonly description: string;
  readonly clusters: readonly string[];
  readonly exposes: readonly Expose[];
}

const SWITCHED: Expose = {
  access: ACCESS.all,
  description: "Whether it is on",
  label: "State",
  name: "state",
  property: "state",
  type: "binary",
  value_off: "OFF",
  value_on: "ON",
  value_toggle: "TOGGLE",
};

const LINKQUALITY: Expose = {
  access: ACCESS.state,
  category: "diagnostic",
  description: "Strength of the signal",
  label: "Linkquality",
  name: "linkquality",
  property: "linkquality",
  type: "numeric",
  unit: "lqi",
  value_max: 255,
  value_min: 0,
};

const DEVICES: readonly Described[] = [
  {
    name: "bedroom lamp",
    address: "0x00158d0005f2a101",
    networkAddress: 21_001,
    type: "Router",
    powerSource: "Mains (single phase)",
    model: "dimmable lamp",
    description: "Lamp beside the bed",
    clusters: ["genBasic", "genIdentify", "genOnOff", "genLevelCtrl"],
    exposes: [
      {
        features: [SWITCHED, {
          access: ACCESS.all,
          description: "Level of the light",
          label: "Brightness",
          name: "brightness",
          property: "brightness",
          type: "numeric",
          value_max: MAX_BRIGHTNESS,
          value_min: 0,
        }],
        type: "light",
      },
      LINKQUALITY,
    ],
  },
  {
    name: "kitchen plug",
    address: "0x00158d0005f2a102",
    networkAddress: 21_002,
    type: "Router",
    powerSource: "Mains (single phase)",
    model: "metering plug",
    description: "Socket behind the coffee machine",
    clusters: ["genBasic", "genIdentify", "genOnOff", "haElectricalMeasurement"],
    exposes: [
      { features: [SWITCHED], type: "switch" },
      {
        access: ACCESS.stateAndGet,
        description: "What is taken at the moment",
        label: "Power",
        name: "power",
        property: "power",
        type: "numeric",
        unit: "W",
      },
      LINKQUALITY,
    ],
  },
  {
    name: "front door",
    address: "0x00158d0005f2a103",
    networkAddress: 21_003,
    type: "EndDevice",
    powerSource: "Battery",
    model: "contact sensor",
    description: "Contact on the frame",
    clusters: ["genBasic", "genPowerCfg", "ssIasZone"],
    exposes: [
      {
        access: ACCESS.state,
        category: "diagnostic",
        description: "What is left of the battery",
        label: "Battery",
        name: "battery",
        property: "battery",
        type: "numeric",
        unit: "%",
        value_max: 100,
        value_min: 0,
      },
      {
        access: ACCESS.state,
        description: "True if it is closed",
        label: "Contact",
        name: "contact",
        property: "contact",
        type: "binary",
        value_off: true,
        value_on: false,
      },
      LINKQUALITY,
    ],
  },
];

/** The list of devices; the coordinator is the first. */
export function bridgeDevices(): object[] {
  return [
    {
      ...always,
      endpoints: endpoints([]),
      friendly_name: "Coordinator",
      ieee_address: "0x00158d0005f2a100",
      network_address: 0,
      type: "Coordinator",
    },
    ...DEVICES.map((device) => ({
      ...always,
      definition: {
        description: device.description,
        exposes: device.exposes,
        model: device.model,
        options: [],
        source: "native",
        supports_ota: false,
        vendor: "Demo",
        version: "0.0.0",
      },
      endpoints: endpoints(device.clusters),
      friendly_name: device.name,
      ieee_address: device.address,
      manufacturer: "Demo",
      model_id: device.model,
      network_address: device.networkAddress,
      power_source: device.powerSource,
      software_build_id: "1.0.0",
      type: device.type,
    })),
  ];
}

const always = {
  disabled: false,
  interview_completed: true,
  interview_state: "SUCCESSFUL",
  interviewing: false,
  supported: true,
};

function endpoints(input: readonly string[]): object {
  return {
    1: { bindings: [], clusters: { input, output: [] }, configured_reportings: [], scenes: [] },
  };
}
