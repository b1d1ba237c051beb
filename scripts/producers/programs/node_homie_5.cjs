// Devices by node-homie: HOST PORT healthy|lost
const { HomieDevice, HomieNode, HomieProperty } = require("node-homie");
const { lastValueFrom } = require("rxjs");
const process = require("node:process");

const [, , host, port, role] = process.argv;
const broker = { url: `mqtt://${host}:${port}`, topicRoot: "homie" };
const values = [];

function add(device, { id, name, type, properties }) {
  const node = new HomieNode(device, { id, name, type });
  device.add(node);
  for (const { value, ...attributes } of properties) {
    const property = new HomieProperty(node, attributes, { readValueFromMqtt: false });
    node.add(property);
    values.push([property, value]);
  }
}

async function start(device) {
  await device.onInit();
  while (device.state !== "ready") await new Promise((resolve) => setTimeout(resolve, 100));
}

const climate = {
  id: "climate",
  name: "Climate",
  type: "climate",
  properties: [
    { id: "temperature", name: "Temperature", datatype: "float", unit: "°C", value: "20.5" },
    {
      id: "setpoint",
      name: "Setpoint",
      datatype: "float",
      format: "5:30:0.5",
      unit: "°C",
      settable: true,
      value: "21",
    },
    {
      id: "mode",
      name: "Mode",
      datatype: "enum",
      format: "off,heat,eco",
      settable: true,
      value: "heat",
    },
    { id: "valve", name: "Valve", datatype: "integer", format: "0:100", unit: "%", value: "40" },
  ],
};

const output = {
  id: "output",
  name: "Output",
  type: "switch",
  properties: [
    {
      id: "on",
      name: "On",
      datatype: "boolean",
      format: "closed,open",
      settable: true,
      value: "true",
    },
    { id: "clicked", name: "Clicked", datatype: "enum", format: "short,long", retained: false },
    {
      id: "color",
      name: "Colour",
      datatype: "color",
      format: "rgb,hsv",
      settable: true,
      value: "rgb,255,120,0",
    },
    { id: "since", name: "Since", datatype: "datetime", value: "2026-11-24T08:00:00.000Z" },
    { id: "runtime", name: "Run time", datatype: "duration", value: "PT2H30M" },
    { id: "detail", name: "Detail", datatype: "json", value: '{"phase":[1,2,3]}' },
  ],
};

async function healthy() {
  const root = new HomieDevice(
    { id: "heating", name: "Heating", type: "controller", children: ["heating-relay"] },
    broker,
  );
  const child = new HomieDevice(
    { id: "heating-relay", name: "Heating relay", root: "heating", parent: "heating" },
    broker,
  );
  add(root, climate);
  add(child, output);
  await start(root);
  await start(child);
  for (const [property, value] of values) await property.setValue(value);
  const setpoint = root.get("climate").get("setpoint");
  await lastValueFrom(setpoint.publishTarget$("22"));
  await lastValueFrom(root.publishAlert$("battery", "The battery of a valve is low"));
  await lastValueFrom(root.publishLog$("info", "The heating season has begun"));
}

async function lost() {
  const device = new HomieDevice({ id: "well", name: "Well" }, broker);
  add(device, {
    id: "level",
    name: "Level",
    properties: [{ id: "depth", name: "Depth", datatype: "float", unit: "m", value: "3.2" }],
  });
  await start(device);
  for (const [property, value] of values) await property.setValue(value);
}

(role === "healthy" ? healthy() : lost()).then(() => console.log("recorded"));
