// A device by node-homie of the generation for Homie 4: HOST PORT healthy|lost
const { HomieDevice, HomieNode, HomieProperty } = require("node-homie");
const process = require("node:process");

const [, , host, port, role] = process.argv;

function add(device, { id, name, type, properties }) {
  const node = new HomieNode(device, { id, name, type });
  device.add(node);
  for (const { value, ...attributes } of properties) {
    const property = new HomieProperty(node, attributes, { readValueFromMqtt: false });
    node.add(property);
    values.push([property, value]);
  }
}

const values = [];
const isHealthy = role === "healthy";
const device = new HomieDevice(
  isHealthy ? { id: "greenhouse", name: "Greenhouse" } : { id: "shed", name: "Shed" },
  { url: `mqtt://${host}:${port}`, topicRoot: "homie" },
);
add(device, {
  id: "climate",
  name: "Climate",
  type: "climate",
  properties: [
    { id: "temperature", name: "Temperature", datatype: "float", unit: "°C", value: "24.3" },
    ...isHealthy
      ? [{
        id: "mode",
        name: "Mode",
        datatype: "enum",
        format: "off,auto,vent",
        settable: true,
        value: "auto",
      }, {
        id: "window",
        name: "Window",
        datatype: "integer",
        format: "0:100",
        unit: "%",
        settable: true,
        value: "35",
      }]
      : [],
  ],
});
if (isHealthy) {
  add(device, {
    id: "pump",
    name: "Pump",
    type: "switch",
    properties: [
      { id: "on", name: "On", datatype: "boolean", settable: true, value: "false" },
      { id: "clicked", name: "Clicked", datatype: "enum", format: "short,long", retained: false },
      {
        id: "lamp",
        name: "Lamp",
        datatype: "color",
        format: "rgb",
        settable: true,
        value: "255,120,0",
      },
    ],
  });
}

device.onInit().then(() => {
  const watch = setInterval(() => {
    if (device.attributes.state !== "ready") return;
    clearInterval(watch);
    for (const [property, value] of values) property.setValue(value);
    setTimeout(() => console.log("recorded"), 1_000);
  }, 100);
});
