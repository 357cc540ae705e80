"""Emulated Xovis sensors, firmware 5 and 4, over their real protocols, with faults, from plain minute counts."""

from emulators.xovis.app import Fleet
from emulators.xovis.sensors import EmulatedLogic, EmulatedSensor, Minutes

__all__ = ["EmulatedLogic", "EmulatedSensor", "Fleet", "Minutes"]
