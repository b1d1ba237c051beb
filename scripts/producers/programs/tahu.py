"""An edge node whose payloads are tahu's: HOST PORT healthy|lost"""

import sys
import time

import paho.mqtt.client as mqtt
from tahu import sparkplug_b as sparkplug
from tahu.sparkplug_b import MetricDataType as Type

HOST, PORT, ROLE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
NODE = "Line 1" if ROLE == "healthy" else "Line 2"
DEVICE = "Press 7"


def topic(kind, device=None):
    return "/".join(["spBv1.0", "Plant", kind, NODE] + ([] if device is None else [device]))


client = mqtt.Client(client_id="edge-" + ROLE, clean_session=True)
client.will_set(topic("NDEATH"), bytearray(sparkplug.getNodeDeathPayload().SerializeToString()), 0, False)
client.connect(HOST, PORT, 60)
client.loop_start()
while not client.is_connected():
    time.sleep(0.05)


def send(kind, payload, device=None):
    client.publish(topic(kind, device), bytearray(payload.SerializeToString()), 0, False).wait_for_publish()


def with_unit(metric, unit, low=None, high=None):
    """Properties as Ignition names them."""
    metric.properties.keys.append("engUnit")
    value = metric.properties.values.add()
    value.type = sparkplug.ParameterDataType.String
    value.string_value = unit
    for key, number in (("engLow", low), ("engHigh", high)):
        if number is not None:
            metric.properties.keys.append(key)
            value = metric.properties.values.add()
            value.type = sparkplug.ParameterDataType.Double
            value.double_value = number


def node_birth():
    payload = sparkplug.getNodeBirthPayload()
    sparkplug.addMetric(payload, "Node Control/Rebirth", 0, Type.Boolean, False)
    sparkplug.addMetric(payload, "Properties/Hardware Make", 1, Type.String, "Example Works")
    with_unit(sparkplug.addMetric(payload, "Supply/Voltage", 2, Type.Float, 23.75), "V", 0, 30)
    sparkplug.addMetric(payload, "Uptime", 3, Type.UInt64, 18446744073709551615)
    send("NBIRTH", payload)


def device_birth():
    payload = sparkplug.getDeviceBirthPayload()
    # The fields of the smaller types are unsigned; negative numbers are two's complement.
    sparkplug.addMetric(payload, "Types/Int8", 10, Type.Int8, -5 & 0xFFFFFFFF)
    sparkplug.addMetric(payload, "Types/Int16", 11, Type.Int16, -300 & 0xFFFFFFFF)
    sparkplug.addMetric(payload, "Types/Int32", 12, Type.Int32, -70000 & 0xFFFFFFFF)
    sparkplug.addMetric(payload, "Types/Int64", 13, Type.Int64, -9007199254740993 & 0xFFFFFFFFFFFFFFFF)
    sparkplug.addMetric(payload, "Types/UInt8", 14, Type.UInt8, 200)
    sparkplug.addMetric(payload, "Types/UInt16", 15, Type.UInt16, 60000)
    sparkplug.addMetric(payload, "Types/UInt32", 16, Type.UInt32, 4000000000)
    sparkplug.addMetric(payload, "Types/UInt64", 17, Type.UInt64, 9007199254740993)
    sparkplug.addMetric(payload, "Types/Double", 18, Type.Double, 3.141592653589793)
    sparkplug.addMetric(payload, "Types/DateTime", 19, Type.DateTime, 1790000000000)
    sparkplug.addMetric(payload, "Types/Text", 20, Type.Text, "two\nlines")
    sparkplug.addMetric(payload, "Types/UUID", 21, Type.UUID, "0f8fad5b-d9cb-469f-a165-70867728950e")
    sparkplug.addMetric(payload, "Types/Bytes", 22, Type.Bytes, bytes([0, 1, 254, 255]))
    sparkplug.addNullMetric(payload, "Types/Null", 23, Type.Int32)
    with_unit(sparkplug.addMetric(payload, "Oil/Temperature", 24, Type.Float, 61.5), "°C", -20, 120)
    sparkplug.addMetric(payload, "Running", 25, Type.Boolean, True)
    sparkplug.addHistoricalMetric(payload, "Oil/Level", 26, Type.Float, 0.5)
    table = sparkplug.initDatasetMetric(payload, "Shifts", 27, ["name", "parts"], [Type.String, Type.Int32])
    for name, parts in (("early", 120), ("late", 98)):
        row = table.rows.add()
        row.elements.add().string_value = name
        row.elements.add().int_value = parts
    motor = sparkplug.initTemplateMetric(payload, "Motor", 28, "MotorType")
    sparkplug.addMetric(motor, "RPM", None, Type.Int32, 1450)
    send("DBIRTH", payload, DEVICE)


def device_data():
    """Only aliases, as the specification has it."""
    payload = sparkplug.getDdataPayload()
    sparkplug.addMetric(payload, None, 24, Type.Float, 62.25)
    sparkplug.addMetric(payload, None, 25, Type.Boolean, False)
    send("DDATA", payload, DEVICE)


def node_data():
    payload = sparkplug.getDdataPayload()
    sparkplug.addMetric(payload, None, 2, Type.Float, 24.0)
    send("NDATA", payload)


node_birth()
if ROLE == "healthy":
    device_birth()
    device_data()
node_data()
print("recorded")
time.sleep(3600)
