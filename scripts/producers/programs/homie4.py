"""A device by Homie4: HOST PORT healthy|lost"""

import sys
import time

from homie.device_base import Device_Base
from homie.node.node_base import Node_Base
from homie.node.property.property_dimmer import Property_Dimmer
from homie.node.property.property_enum import Property_Enum
from homie.node.property.property_switch import Property_Switch
from homie.node.property.property_temperature import Property_Temperature

HOST, PORT, ROLE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
BROKER = {"MQTT_BROKER": HOST, "MQTT_PORT": PORT, "MQTT_SHARE_CLIENT": False}


def ignore(_value):
    pass


def living_room():
    device = Device_Base(device_id="living-room", name="Living room", mqtt_settings=BROKER)
    climate = Node_Base(device, "climate", "Climate", "sensor")
    climate.add_property(Property_Temperature(climate, unit="°C", value=21.5))
    climate.add_property(
        Property_Enum(climate, "mode", "Mode", data_format="off,heat,cool", value="heat", set_value=ignore)
    )
    device.add_node(climate)
    lights = Node_Base(device, "lights", "Lights", "light")
    lights.add_property(Property_Switch(lights, value="ON", set_value=ignore))
    lights.add_property(Property_Dimmer(lights, value=40, set_value=ignore))
    device.add_node(lights)
    return device


def attic():
    device = Device_Base(device_id="attic", name="Attic", extensions=[], mqtt_settings=BROKER)
    climate = Node_Base(device, "climate", "Climate", "sensor")
    climate.add_property(Property_Temperature(climate, unit="°F", value=88.2))
    device.add_node(climate)
    return device


device = living_room() if ROLE == "healthy" else attic()
device.start()
while device.state != "ready":
    time.sleep(0.1)
print("recorded")
time.sleep(3600)
