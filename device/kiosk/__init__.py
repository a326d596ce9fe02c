"""The kiosk daemon's wiring: real camera, models, files and sockets are built here and handed down.

Its only internet socket is the kiosk page's, on loopback; it connects nowhere.
"""

from device.kiosk.files import Files, open_files
from device.kiosk.inside import Inside, assemble
from device.kiosk.running import TURN_S, look_at_the_clock, restart_when_quiet, run

__all__ = ["TURN_S", "Files", "Inside", "assemble", "look_at_the_clock", "open_files", "restart_when_quiet", "run"]
