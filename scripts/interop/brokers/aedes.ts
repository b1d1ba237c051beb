/**
 * aedes, in this process.
 *
 * @module
 */
import config from "../../../deno.json" with { type: "json" };
import { startAedes } from "../../../tests/brokers/aedes.ts";
import { type BrokerKind, PROHIBITED } from "../broker.ts";

export const aedes: BrokerKind = {
  name: "aedes",
  protocols: ["3.1.1"],
  prepare: () =>
    Promise.resolve({
      version: config.imports.aedes.split("@").at(-1) ?? "",
      start: () =>
        startAedes({
          refuseSubscription: (filter) => filter === PROHIBITED,
          refusePublish: (topic) => topic === PROHIBITED,
          aedes: { heartbeatInterval: 1_000 },
        }),
    }),
};
