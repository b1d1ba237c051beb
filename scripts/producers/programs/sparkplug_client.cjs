// An edge node by sparkplug-client: HOST PORT healthy|lost
const { newClient } = require("sparkplug-client");
const process = require("node:process");

const [, , host, port, role] = process.argv;
const isHealthy = role === "healthy";
const DEVICE = "Pump 1";

const node = newClient({
  serverUrl: `mqtt://${host}:${port}`,
  username: "",
  password: "",
  groupId: "Water Works",
  edgeNode: isHealthy ? "North" : "South",
  clientId: `edge-${role}`,
});

const now = () => Date.now();

/** As Ignition names them. */
function unit(engUnit, engLow, engHigh) {
  return {
    engUnit: { type: "String", value: engUnit },
    engLow: { type: "Double", value: engLow },
    engHigh: { type: "Double", value: engHigh },
  };
}

const nodeBirth = () => ({
  timestamp: now(),
  metrics: [
    { name: "Node Control/Rebirth", type: "Boolean", value: false },
    { name: "Properties/Version", type: "String", value: "2.3.1" },
    {
      name: "Cabinet/Temperature",
      alias: 1,
      type: "Float",
      value: 31.5,
      properties: unit("°C", -10, 60),
    },
  ],
});

const deviceBirth = () => ({
  timestamp: now(),
  metrics: [
    { name: "Types/Int8", alias: 10, type: "Int8", value: -5 },
    { name: "Types/Int16", alias: 11, type: "Int16", value: -300 },
    { name: "Types/Int32", alias: 12, type: "Int32", value: -70_000 },
    { name: "Types/Int64", alias: 13, type: "Int64", value: -9_000_000_000 },
    { name: "Types/UInt8", alias: 14, type: "UInt8", value: 200 },
    { name: "Types/UInt16", alias: 15, type: "UInt16", value: 60_000 },
    { name: "Types/UInt32", alias: 16, type: "UInt32", value: 4_000_000_000 },
    { name: "Types/UInt64", alias: 17, type: "UInt64", value: 9_000_000_000 },
    { name: "Types/Double", alias: 18, type: "Double", value: Math.PI },
    { name: "Types/DateTime", alias: 19, type: "DateTime", value: 1_790_000_000_000 },
    { name: "Types/Text", alias: 20, type: "Text", value: "two\nlines" },
    { name: "Types/UUID", alias: 21, type: "UUID", value: "0f8fad5b-d9cb-469f-a165-70867728950e" },
    { name: "Types/Bytes", alias: 22, type: "Bytes", value: Uint8Array.of(0, 1, 254, 255) },
    { name: "Types/Null", alias: 23, type: "String", value: null },
    {
      name: "Flow",
      alias: 24,
      type: "Double",
      value: 12.5,
      timestamp: now(),
      properties: { ...unit("m³/h", 0, 40), Quality: { type: "Int32", value: 192 } },
    },
    { name: "Running", alias: 25, type: "Boolean", value: true },
    { name: "Setpoint", alias: 26, type: "Double", value: 15, properties: unit("m³/h", 0, 40) },
    {
      name: "Shifts",
      alias: 27,
      type: "DataSet",
      value: {
        numOfColumns: 2,
        columns: ["name", "hours"],
        types: ["String", "Double"],
        rows: [["early", 8], ["late", 7.5]],
      },
    },
    {
      name: "Motor",
      alias: 28,
      type: "Template",
      value: {
        templateRef: "MotorType",
        isDefinition: false,
        metrics: [{ name: "RPM", type: "Int32", value: 1450 }],
        parameters: [{ name: "Poles", type: "Int32", value: 4 }],
      },
    },
  ],
});

/** Flow, by its alias alone. */
const deviceData = (value) => ({
  timestamp: now(),
  metrics: [{ alias: 24, type: "Double", value, timestamp: now() }],
});

function publishAll() {
  node.publishNodeBirth(nodeBirth());
  if (isHealthy) {
    node.publishDeviceBirth(DEVICE, deviceBirth());
    node.publishDeviceBirth("Valve 1", {
      timestamp: now(),
      metrics: [{ name: "Open", type: "Boolean", value: false }],
    });
    node.publishDeviceData(DEVICE, deviceData(13.25));
    node.publishDeviceData(DEVICE, deviceData(13.5), { compress: true });
    node.publishDeviceData(DEVICE, deviceData(13.75), { compress: true, algorithm: "GZIP" });
    node.publishDeviceDeath("Valve 1", { timestamp: now() });
  }
  node.publishNodeData({
    timestamp: now(),
    metrics: [{ alias: 1, type: "Float", value: 32.5 }],
  });
  console.log("recorded");
}

node.on("birth", publishAll);
