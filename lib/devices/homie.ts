/**
 * Homie 3, 4 and 5: https://homieiot.github.io.
 *
 * @module
 */
import type { Message } from "../messages/message.ts";
import { label, macKey } from "./described.ts";
import type { Convention, Description, Entity, Online } from "./device.ts";
import { Homie4 } from "./homie/homie_4.ts";
import { Homie5 } from "./homie/homie_5.ts";

/** Its devices are shown by their ids alone. */
const DEFAULT_ROOT = "homie";

/** What the states say; one who sleeps cannot be asked. */
const ONLINE: Readonly<Record<string, Online>> = {
  init: "yes",
  ready: "yes",
  alert: "yes",
  disconnected: "no",
  lost: "no",
};

/**
 * Reads what devices of all three versions say.
 *
 * @param root what their topics begin with, as in `homie`; those of Homie 5 go on with `5`
 */
export function homie(root: string): Convention {
  return new Homie(root);
}

class Homie implements Convention {
  readonly source = "homie";
  readonly filters: readonly string[];
  readonly isLive = false;
  readonly #root: string;
  readonly #four: Homie4;
  readonly #five: Homie5;

  constructor(root: string) {
    this.#root = root;
    this.#four = new Homie4(root);
    this.#five = new Homie5(root);
    this.filters = [...this.#four.filters, ...this.#five.filters];
  }

  *take({ topic, payload }: Message): Generator<void, number> {
    const isTaken = this.#five.take(topic, payload) ?? this.#four.take(topic, payload);
    yield;
    return isTaken === false ? 1 : 0;
  }

  *devices(): Generator<Description, void> {
    for (const { name, ...device } of this.#four.devices()) {
      yield this.#described({ ...device, name: label(name) });
    }
    for (const device of this.#five.devices()) yield this.#described(device);
  }

  #described({ id, name, state, entities }: {
    readonly id: string;
    readonly name: string | undefined;
    readonly state: string | undefined;
    readonly entities: readonly Entity[];
  }): Description {
    const path = `${this.#root}/${id}`;
    const mac = macKey(id);
    return {
      source: this.source,
      id: this.#root === DEFAULT_ROOT ? id : path,
      // Those of two versions with one id are one device that tells of itself twice.
      keys: [`homie:${path}`, ...(mac === undefined ? [] : [mac])],
      name,
      online: state !== undefined && Object.hasOwn(ONLINE, state) ? ONLINE[state] : "unknown",
      entities,
    };
  }
}
