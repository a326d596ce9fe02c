"""USB badge readers that type: taken for ourselves, so that no digit reaches the browser or a console.

A reader is named by an administrator; nothing else that is plugged in is listened to. What a badge says is never logged.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import evdev
from evdev import ecodes

log = logging.getLogger(__name__)

LONGEST_BADGE = 256
PAUSE_ENDS_S = 1.0  # a reader types a badge in a tenth of a second; whatever lay before a pause was something else
RETRY_S = 2.0
ENTER = frozenset({ecodes.KEY_ENTER, ecodes.KEY_KPENTER})
SHIFT = frozenset({ecodes.KEY_LEFTSHIFT, ecodes.KEY_RIGHTSHIFT})
PRESSED, RELEASED = 1, 0


def _keys() -> dict[int, str]:
    """Key code to letter, on the US layout that such readers type in."""
    letters = {getattr(ecodes, f"KEY_{letter.upper()}"): letter for letter in "abcdefghijklmnopqrstuvwxyz0123456789"}
    keypad = {getattr(ecodes, f"KEY_KP{digit}"): digit for digit in "0123456789"}
    others = {"MINUS": "-", "EQUAL": "=", "DOT": ".", "COMMA": ",", "SLASH": "/", "SEMICOLON": ";", "SPACE": " "}
    return letters | keypad | {getattr(ecodes, f"KEY_{name}"): letter for name, letter in others.items()}


KEYS = _keys()
SHIFTED = {"-": "_", "=": "+", ";": ":", "/": "?", ".": ">", ",": "<"} | dict(zip("1234567890", "!@#$%^&*()", strict=True))


class Event(Protocol):
    """One key event of the kernel (evdev.InputEvent)."""

    type: int
    code: int
    value: int

    def timestamp(self) -> float: ...


class Device(Protocol):
    """An input device (evdev.InputDevice)."""

    def grab(self) -> None: ...
    def read_loop(self) -> Iterator[Event]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that could be a badge reader: its file and what it calls itself."""

    path: str
    name: str


class Typed:
    """Key events to what a badge says, one at a time."""

    def __init__(self) -> None:
        self._letters: list[str] = []
        self._shift = False
        self._latest = 0.0

    def take(self, event: Event) -> str:
        """The badge that ends with this event; empty for anything else."""
        if event.type != ecodes.EV_KEY:
            return ""
        if event.code in SHIFT:
            self._shift = event.value != RELEASED
            return ""
        if event.value != PRESSED:
            return ""
        at = event.timestamp()
        if not 0 <= at - self._latest < PAUSE_ENDS_S:
            self._letters.clear()
        self._latest = at
        if event.code in ENTER:
            text = "".join(self._letters)
            self._letters.clear()
            return text if len(text) <= LONGEST_BADGE else ""
        if len(self._letters) <= LONGEST_BADGE:
            self._letters.append(self._letter(event.code))
        return ""

    def _letter(self, code: int) -> str:
        plain = KEYS.get(code, "")
        return SHIFTED.get(plain, plain.upper()) if self._shift else plain


class Reader:
    """One badge reader, found again whenever it was unplugged. `trouble` is a sentence, or empty."""

    def __init__(self, path: str, show: Callable[[str], object], open_device: Callable[[str], Device] = evdev.InputDevice) -> None:
        self._path, self._show, self._open = path, show, open_device
        self.trouble = ""

    def run(self, stop: threading.Event, retry_s: float = RETRY_S) -> None:
        """Until `stop`."""
        while not stop.is_set():
            try:
                self._listen(stop)
            except OSError as error:
                if not self.trouble:
                    log.warning("the badge reader is away (%s); it is tried again", error.strerror or "no device")
                self.trouble = f"The badge reader at {self._path} is away: {error.strerror or 'no device'}. Plug it in."
            stop.wait(retry_s)

    def _listen(self, stop: threading.Event) -> None:
        device = self._open(self._path)
        try:
            device.grab()  # exclusive: a reader that another program hears too is not used
            self.trouble = ""
            typed = Typed()
            for event in device.read_loop():
                if text := typed.take(event):
                    self._hand_on(text)
                if stop.is_set():
                    return
        finally:
            device.close()

    def _hand_on(self, text: str) -> None:
        try:
            self._show(text)
        except Exception as error:  # noqa: BLE001  a traceback might hold the badge
            log.error("a badge could not be looked up: %s", type(error).__name__)


def candidates() -> tuple[Candidate, ...]:
    """Devices that have the keys of a badge reader: digits and Enter."""
    found = []
    for path in evdev.list_devices():
        device = evdev.InputDevice(path)
        keys = set(device.capabilities().get(ecodes.EV_KEY, ()))
        if {ecodes.KEY_0, ecodes.KEY_9, ecodes.KEY_ENTER} <= keys:
            found.append(Candidate(path, device.name))
        device.close()
    return tuple(found)
