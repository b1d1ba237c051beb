/**
 * Eclipse mosquitto, from the system's packages.
 *
 * @module
 */
import { mosquittoAvailable, startMosquitto } from "../../../tests/brokers/mosquitto.ts";
import { type BrokerKind, PROHIBITED, Unavailable } from "../broker.ts";

export const mosquitto: BrokerKind = {
  name: "mosquitto",
  protocols: ["5", "3.1.1"],
  async prepare() {
    if (!mosquittoAvailable()) {
      throw new Unavailable("mosquitto is not installed; on Debian: apt-get install mosquitto");
    }
    await using probe = await startMosquitto();
    return {
      version: /mosquitto version (\S+)/.exec(probe.log())?.[1] ?? "of an unknown version",
      start: () =>
        startMosquitto({
          acl: [
            `topic readwrite #`,
            `topic read $SYS/#`,
            `topic deny ${PROHIBITED}`,
            "",
          ].join("\n"),
          // Else it drops what does not fit the window of a slow reader.
          config: ["max_queued_messages 0"],
        }),
    };
  },
};
