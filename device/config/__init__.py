"""Every setting of a kiosk, its meaning and its unit; read from one TOML file, frozen from then on.

A wrong key or value is an error that names it. No secret stands here: keys are files of their own.
"""

from device.config.attending import Attend, Completion, People, Retention, Ways
from device.config.machine import Clock, Device, Journal, Lock, Page, Updates, Uplink, Web
from device.config.reading import ROOTS, WHOM_WE_REACH, filled, filling, is_roots, parse, read, says, settings, tree_of
from device.config.section import ConfigError, Section
from device.config.seeing import Camera, Liveness, Models, Recognition
from device.config.whole import EASY_TIMES, Config

__all__ = [
    "EASY_TIMES",
    "ROOTS",
    "WHOM_WE_REACH",
    "Attend",
    "Camera",
    "Clock",
    "Completion",
    "Config",
    "ConfigError",
    "Device",
    "Journal",
    "Liveness",
    "Lock",
    "Models",
    "Page",
    "People",
    "Recognition",
    "Retention",
    "Section",
    "Updates",
    "Uplink",
    "Ways",
    "Web",
    "filled",
    "filling",
    "is_roots",
    "parse",
    "read",
    "says",
    "settings",
    "tree_of",
]
