// Zigbee2MQTT whose radio is faked: HOST PORT
//
// Only the adapter is not real. The devices come from the database as after a restart, and what they
// report comes as ZCL frames.
const { EventEmitter } = require("node:events");
const fs = require("node:fs");
const { createRequire } = require("node:module");
const process = require("node:process");

const [, , host, port] = process.argv;
const DATA = `${process.cwd()}/data`;
const COORDINATOR = "0x00124b0000000001";
const SETTLED_MS = 12_000;

fs.mkdirSync(DATA);
fs.writeFileSync(
  `${DATA}/configuration.yaml`,
  `version: 5
mqtt:
  server: mqtt://${host}:${port}
serial:
  port: /dev/null
  adapter: zstack
homeassistant:
  enabled: true
availability:
  enabled: true
frontend:
  enabled: false
advanced:
  log_output: [console]
  log_level: warning
  network_key: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13]
  pan_id: 6754
  ext_pan_id: [221, 221, 221, 221, 221, 221, 221, 221]
devices:
  '0x000b57fffec6a5b3':
    friendly_name: bedroom/lamp
  '0x00158d0001e5a1b2':
    friendly_name: Büro
    description: On the shelf beside the window
  '0x70b3d52b6009c7d4':
    friendly_name: kitchen plug
    retain: true
  '0x84fd27fffe1a2b3c':
    friendly_name: attic blind
    homeassistant: null
groups:
  '1':
    friendly_name: all lights
`,
);

const HOUR_MS = 3_600_000;
const IKEA = { manufId: 4476, manufName: "IKEA of Sweden" };
const DEVICES = [
  {
    type: "Coordinator",
    ieeeAddr: COORDINATOR,
    nwkAddr: 0,
    manufId: 0,
    endpoints: { 1: endpoint(1, 5, [], []) },
  },
  {
    ...IKEA,
    type: "Router",
    ieeeAddr: "0x000b57fffec6a5b3",
    nwkAddr: 40_399,
    powerSource: "Mains (single phase)",
    modelId: "TRADFRI bulb E27 CWS 806lm",
    swBuildId: "1.0.012",
    endpoints: {
      1: endpoint(1, 269, [0, 3, 4, 5, 6, 8, 768, 4096], [5, 25, 32, 4096], {
        lightingColorCtrl: {
          attributes: {
            colorCapabilities: 31,
            colorTempPhysicalMin: 153,
            colorTempPhysicalMax: 555,
          },
        },
      }),
    },
  },
  {
    type: "EndDevice",
    manufId: 4151,
    manufName: "LUMI",
    ieeeAddr: "0x00158d0001e5a1b2",
    nwkAddr: 6_540,
    powerSource: "Battery",
    modelId: "lumi.weather",
    swBuildId: "3000-0001",
    endpoints: { 1: endpoint(1, 24_321, [0, 3, 65_535, 1026, 1027, 1029], [0, 4, 65_535]) },
  },
  {
    type: "Router",
    manufId: 4454,
    manufName: "innr",
    ieeeAddr: "0x70b3d52b6009c7d4",
    nwkAddr: 12_333,
    powerSource: "Mains (single phase)",
    modelId: "SP 120",
    swBuildId: "2.0",
    endpoints: {
      1: endpoint(1, 266, [0, 3, 4, 5, 6, 1794, 2820], [25], {
        haElectricalMeasurement: {
          attributes: {
            acVoltageMultiplier: 1,
            acVoltageDivisor: 1,
            acCurrentMultiplier: 1,
            acCurrentDivisor: 1_000,
            acPowerMultiplier: 1,
            acPowerDivisor: 1,
          },
        },
        seMetering: { attributes: { multiplier: 1, divisor: 100 } },
      }),
    },
  },
  {
    ...IKEA,
    type: "EndDevice",
    ieeeAddr: "0x84fd27fffe1a2b3c",
    nwkAddr: 23_551,
    powerSource: "Battery",
    modelId: "FYRTUR block-out roller blind",
    swBuildId: "2.2.009",
    // So long ago that it counts as offline.
    lastSeen: Date.now() - 48 * HOUR_MS,
    endpoints: { 1: endpoint(1, 514, [0, 1, 3, 4, 32, 258], [25]) },
  },
];

function endpoint(epId, devId, inClusterList, outClusterList, clusters = {}) {
  return { profId: 260, epId, devId, inClusterList, outClusterList, clusters, binds: [] };
}

const GROUP = {
  type: "Group",
  groupID: 1,
  members: [{ deviceIeeeAddr: "0x000b57fffec6a5b3", endpointID: 1 }],
  meta: {},
};
fs.writeFileSync(
  `${DATA}/database.db`,
  [
    ...DEVICES.map((device) => ({
      lastSeen: Date.now(),
      interviewState: "SUCCESSFUL",
      meta: {},
      epList: Object.keys(device.endpoints).map(Number),
      ...device,
    })),
    GROUP,
  ].map((entry, index) => JSON.stringify({ id: index + 1, ...entry })).join("\n"),
);
// What it remembers, and publishes at its start.
fs.writeFileSync(
  `${DATA}/state.json`,
  JSON.stringify({
    "0x84fd27fffe1a2b3c": { battery: 12, linkquality: 40, position: 30, state: "OPEN" },
  }),
);

process.env.ZIGBEE2MQTT_DATA = DATA;
const zigbee2mqttPath = require.resolve("zigbee2mqtt");
const ofZigbee2mqtt = createRequire(zigbee2mqttPath);
const { Zcl } = ofZigbee2mqtt("zigbee-herdsman");
const { Adapter } = ofZigbee2mqtt("zigbee-herdsman/dist/adapter/adapter.js");

let sequence = 0;

/** Says yes to everything, and knows no value. */
class FakeAdapter extends EventEmitter {
  hasZdoMessageOverhead = true;
  manufacturerID = 0;
  start = () => Promise.resolve("resumed");
  stop = () => Promise.resolve();
  getCoordinatorIEEE = () => Promise.resolve(COORDINATOR);
  getCoordinatorVersion = () => Promise.resolve({ type: "faked", meta: { revision: 20240710 } });
  supportsBackup = () => Promise.resolve(false);
  getNetworkParameters = () =>
    Promise.resolve({
      panID: 6754,
      extendedPanID: "0xdddddddddddddddd",
      channel: 11,
      nwkUpdateID: 0,
    });
  permitJoin = () => Promise.resolve();
  sendZdo = () => Promise.resolve([0, undefined]);
  sendZclFrameToGroup = () => Promise.resolve();
  sendZclFrameToAll = () => Promise.resolve();
  waitFor = () => ({ promise: new Promise(() => {}), cancel() {} });

  sendZclFrameToEndpoint(_ieee, address, endpointId, frame, _timeout, disableResponse) {
    if (disableResponse) return Promise.resolve(undefined);
    const [command, payload] = answerTo(frame);
    const { transactionSequenceNumber } = frame.header;
    return Promise.resolve(
      payloadOf(
        Zcl.Frame.create(
          Zcl.FrameType.GLOBAL,
          Zcl.Direction.SERVER_TO_CLIENT,
          true,
          undefined,
          transactionSequenceNumber,
          command,
          frame.cluster.ID,
          payload,
          {},
        ),
        { address, endpoint: endpointId },
      ),
    );
  }

  report(address, cluster, attributes) {
    const report = Object.entries(attributes).map(([name, attrData]) => {
      const { ID: attrId, type: dataType } = Zcl.Clusters[cluster].attributes[name];
      return { attrId, dataType, attrData };
    });
    const frame = Zcl.Frame.create(
      Zcl.FrameType.GLOBAL,
      Zcl.Direction.SERVER_TO_CLIENT,
      true,
      undefined,
      sequence++ % 256,
      "report",
      cluster,
      report,
      {},
    );
    this.emit("zclPayload", payloadOf(frame, { address, endpoint: 1 }));
  }
}

function answerTo(frame) {
  if (!frame.header.isGlobal) {
    return ["defaultRsp", { cmdId: frame.command.ID, statusCode: 0 }];
  }
  switch (frame.command.name) {
    case "configReport":
      return ["configReportRsp", [{ status: 0 }]];
    case "write":
      return ["writeRsp", [{ status: 0 }]];
    default:
      return ["readRsp", []];
  }
}

function payloadOf(frame, { address, endpoint }) {
  const data = frame.toBuffer();
  return {
    clusterID: frame.cluster.ID,
    header: Zcl.Header.fromBuffer(data),
    data,
    address,
    endpoint,
    linkquality: 120,
    groupID: 0,
    wasBroadcast: false,
    destinationEndpoint: 1,
  };
}

const adapter = new FakeAdapter();
Adapter.create = () => Promise.resolve(adapter);

async function main() {
  await require(zigbee2mqttPath).start();
  adapter.report(40_399, "genOnOff", { onOff: 1 });
  adapter.report(40_399, "genLevelCtrl", { currentLevel: 180 });
  adapter.report(40_399, "lightingColorCtrl", { colorMode: 2, colorTemperature: 370 });
  adapter.report(6_540, "msTemperatureMeasurement", { measuredValue: 2_145 });
  adapter.report(6_540, "msRelativeHumidity", { measuredValue: 4_730 });
  adapter.report(6_540, "msPressureMeasurement", { measuredValue: 1_008 });
  adapter.report(12_333, "genOnOff", { onOff: 1 });
  adapter.report(12_333, "haElectricalMeasurement", {
    rmsVoltage: 231,
    rmsCurrent: 412,
    activePower: 87,
  });
  adapter.report(12_333, "seMetering", { currentSummDelivered: 15_234 });
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  console.log("recorded");
}

main();
