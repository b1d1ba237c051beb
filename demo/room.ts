/**
 * One room of the simulated house: what it measures, and its light.
 *
 * @module
 */

/** What the climate of a room tends to. */
export interface Climate {
  readonly name: string;
  /** °C */
  readonly temperature: number;
  /** %RH */
  readonly humidity: number;
}

/** The rooms of the house. */
export const ROOMS: readonly Climate[] = [
  { name: "kitchen", temperature: 22.5, humidity: 48 },
  { name: "living", temperature: 21.2, humidity: 43 },
  { name: "bedroom", temperature: 18.4, humidity: 51 },
];

/** A room as it is at the moment. */
export class Room {
  readonly name: string;
  light: { readonly on: boolean; readonly since: string };
  readonly #climate: Climate;
  readonly #random: () => number;
  #temperature: number;
  #humidity: number;

  constructor(climate: Climate, random: () => number) {
    this.name = climate.name;
    this.light = { on: false, since: new Date().toISOString() };
    this.#climate = climate;
    this.#random = random;
    this.#temperature = climate.temperature;
    this.#humidity = climate.humidity;
  }

  /** °C, as the sensor sends it: "21.4". */
  get temperature(): string {
    return this.#temperature.toFixed(1);
  }

  /** %RH, as the sensor sends it: "47.9". */
  get humidity(): string {
    return this.#humidity.toFixed(1);
  }

  /** A second passes: the readings wander, and are drawn back to the climate of the room. */
  pass(): void {
    this.#temperature = this.#wander(this.#temperature, this.#climate.temperature, 0.3);
    this.#humidity = this.#wander(this.#humidity, this.#climate.humidity, 0.8);
  }

  #wander(value: number, rest: number, step: number): number {
    return value + (rest - value) * 0.05 + (this.#random() * 2 - 1) * step;
  }
}
