import type { Message } from "./message.ts";
export class LastByTopic {
  readonly #last = new Map<string, Message>();
  isSame(message: Message): boolean {
    const last = this.#last.get(message.topic);
    return last !== undefined && last.payload.length === message.payload.length &&
      last.payload.every((byte, i) => byte === message.payload[i]);
  }
  remember(message: Message): void {
    this.#last.set(message.topic, message);
  }
}
