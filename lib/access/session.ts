/**
 * One client of the server: what it may do, and what runs for it.
 *
 * @module
 */
import type { Logger } from "../log.ts";
import type { Connection } from "../mqtt/connection.ts";
import { Access, type Grants } from "./access.ts";
import { Devices } from "./devices.ts";
import { Surveys } from "./surveys.ts";
import { Updates } from "./updates.ts";
import { Watches } from "./watches.ts";

/** What a session is made of. */
export interface SessionOptions {
  readonly connection: Connection;
  readonly grants: Grants;
  /** The file the grants were read from; undefined if there is none. */
  readonly configSource: string | undefined;
  readonly log: Logger;
}

/** One client. When it is disposed of, nothing of it goes on. */
export class Session implements AsyncDisposable {
  readonly access: Access;
  readonly watches: Watches;
  readonly updates: Updates;
  readonly devices: Devices;
  readonly surveys = new Surveys();
  readonly configSource: string | undefined;

  constructor({ connection, grants, configSource, log }: SessionOptions) {
    this.access = new Access(connection, grants, log);
    this.watches = new Watches(this.access);
    this.updates = new Updates(this.access, log);
    this.devices = new Devices(this.access);
    this.configSource = configSource;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.watches[Symbol.asyncDispose](),
      this.updates[Symbol.asyncDispose](),
      this.devices[Symbol.asyncDispose](),
      this.access[Symbol.asyncDispose](),
    ]);
  }
}
