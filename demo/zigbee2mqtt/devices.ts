/**
 * The three devices of the Zigbee2MQTT bridge: what state they are in, and what they make of a command.
 *
 * @module
 */

/** A state as it is published: one JSON object. */
export type DeviceState = Readonly<Record<string, string | number | boolean>>;
/** A command: the properties that it wants set. */
export type Command = Readonly<Record<string, unknown>>;

/** A device as it is at the moment. */
export interface Zigbee2mqttDevice {
  /** The friendly name, which is a level of its topics. */
  readonly name: string;
  /** Whether it is told to retain its state; by default a bridge retains none. */
  readonly isRetained: boolean;
  /** Its state after so many readings. */
  state(tick: number): DeviceState;
  /** Obeys, or gives false and stays as it is if it does not understand the command. */
  obey(command: Command): boolean;
}

/** The highest level of a dimmer. */
export const MAX_BRIGHTNESS = 254;
const LINKQUALITY = 132;

/** The devices as they are when the bridge starts. */
export function devicesAtStart(): Zigbee2mqttDevice[] {
  return [new Lamp(), new Plug(), new Door()];
}

/** Light that is dimmed by `brightness`; a level above 0 switches it on, 0 switches it off. */
class Lamp implements Zigbee2mqttDevice {
  readonly name = "bedroom lamp";
  readonly isRetained = true;
  #isOn = false;
  #brightness = 120;
  /** What it goes back to after a level of 0. */
  #lastBrightness = 120;

  state(): DeviceState {
    return {
      brightness: this.#brightness,
      linkquality: LINKQUALITY,
      state: onOff(this.#isOn),
    };
  }

  obey({ state, brightness }: Command): boolean {
    const level = parseBrightness(brightness);
    if (brightness === undefined ? state === undefined : level === undefined) return false;
    const isOn = state === undefined ? level !== 0 : parseState(state, this.#isOn);
    if (isOn === undefined) return false;
    if (isOn) this.#lastBrightness = Math.max(1, level ?? this.#lastBrightness);
    if (isOn || level === 0) this.#brightness = isOn ? this.#lastBrightness : 0;
    this.#isOn = isOn;
    return true;
  }
}

/** Socket with a meter: what is plugged in takes some 60 W. */
class Plug implements Zigbee2mqttDevice {
  readonly name = "kitchen plug";
  readonly isRetained = false;
  #isOn = true;

  state(tick: number): DeviceState {
    return {
      linkquality: LINKQUALITY,
      power: this.#isOn ? 60 + tick % 7 : 0,
      state: onOff(this.#isOn),
    };
  }

  obey({ state }: Command): boolean {
    const isOn = parseState(state, this.#isOn);
    if (isOn === undefined) return false;
    this.#isOn = isOn;
    return true;
  }
}

/** Readings from one opening of the door to the next, of which it is open for the last few. */
const DOOR_TICKS = 20;
const DOOR_OPEN_FROM_TICK = 16;

/** Contact that is closed with the door. */
class Door implements Zigbee2mqttDevice {
  readonly name = "front door";
  readonly isRetained = false;

  state(tick: number): DeviceState {
    return {
      battery: 87,
      contact: tick % DOOR_TICKS < DOOR_OPEN_FROM_TICK,
      linkquality: LINKQUALITY,
    };
  }

  obey(): boolean {
    return false;
  }
}

function onOff(isOn: boolean): "ON" | "OFF" {
  return isOn ? "ON" : "OFF";
}

/** Whether it is on after a `state`, in any case of letters; undefined if that is none. */
function parseState(state: unknown, isOn: boolean): boolean | undefined {
  const wanted = typeof state === "string" ? state.toUpperCase() : undefined;
  if (wanted === "TOGGLE") return !isOn;
  return wanted === "ON" ? true : wanted === "OFF" ? false : undefined;
}

/** A level as a number or as its text; undefined if it is none. 255 counts as 254. */
function parseBrightness(value: unknown): number | undefined {
  const isText = typeof value === "string" && value.trim() !== "";
  const level = isText ? Number(value) : value;
  if (typeof level !== "number" || !Number.isInteger(level)) return undefined;
  if (level < 0 || level > MAX_BRIGHTNESS + 1) return undefined;
  return Math.min(level, MAX_BRIGHTNESS);
}
