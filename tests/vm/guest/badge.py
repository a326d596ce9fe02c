"""Inside the machine, by the product's own Python: a badge reader that types, made of the kernel's uinput.

usage: badge.py FILE, with the badge in it (systemd and the agent put on record what they run); it is plugged in, waits until the
kiosk has taken it, and types once a second until it is ended
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import libevdev
from libevdev import EV_KEY, EV_SYN

from device import badges

CODES = {letter: code for code, letter in badges.KEYS.items()}


def main() -> None:
    keyboard = libevdev.Device()
    keyboard.name = "Test badge reader"
    for code in (*badges.KEYS, EV_KEY.KEY_ENTER.value, EV_KEY.KEY_LEFTSHIFT.value):
        keyboard.enable(libevdev.evbit("EV_KEY", code))
    plugged = keyboard.create_uinput_device()
    keys = [libevdev.evbit("EV_KEY", CODES[letter]) for letter in Path(sys.argv[1]).read_text().strip()]
    while True:
        time.sleep(1.0)
        for key in (*keys, EV_KEY.KEY_ENTER):
            for value in (1, 0):
                plugged.send_events([libevdev.InputEvent(key, value), libevdev.InputEvent(EV_SYN.SYN_REPORT, 0)])


if __name__ == "__main__":
    main()
