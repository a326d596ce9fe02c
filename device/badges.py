"""USB badge readers that type: taken for ourselves, so that no digit reaches the browser or a console.

A reader is named by an administrator; nothing else that is plugged in is listened to. What a badge says is never logged.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import libevdev
from libevdev import EV_KEY, EV_SYN

log = logging.getLogger(__name__)

INPUTS = Path("/dev/input")
LONGEST_BADGE = 256
PAUSE_ENDS_S = 1.0  # a reader types a badge in a tenth of a second; whatever lay before a pause was something else
RETRY_S = 2.0
ENTER = frozenset({EV_KEY.KEY_ENTER.value, EV_KEY.KEY_KPENTER.value})
SHIFT = frozenset({EV_KEY.KEY_LEFTSHIFT.value, EV_KEY.KEY_RIGHTSHIFT.value})
PRESSED, RELEASED = 1, 0


def _key(name: str) -> int:
    """The kernel's number of a key."""
    value: int = getattr(EV_KEY, f"KEY_{name}").value
    return value


def _keys() -> dict[int, str]:
    """Key code to letter, on the US layout that such readers type in."""
    letters = {_key(letter.upper()): letter for letter in "abcdefghijklmnopqrstuvwxyz0123456789"}
    keypad = {_key(f"KP{digit}"): digit for digit in "0123456789"}
    others = {"MINUS": "-", "EQUAL": "=", "DOT": ".", "COMMA": ",", "SLASH": "/", "SEMICOLON": ";", "SPACE": " "}
    return letters | keypad | {_key(name): letter for name, letter in others.items()}


KEYS = _keys()
SHIFTED = {"-": "_", "=": "+", ";": ":", "/": "?", ".": ">", ",": "<"} | dict(zip("1234567890", "!@#$%^&*()", strict=True))


class Device(Protocol):
    """An input device; `Input` is one."""

    def grab(self) -> None: ...
    def events(self) -> Iterator[libevdev.InputEvent]: ...
    def close(self) -> None: ...


class Input:
    """An input device of the kernel's. OSError where it is not, or is gone."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115  the device keeps it
        try:
            self._device = libevdev.Device(self._file)
        except OSError:
            self._file.close()
            raise

    @property
    def name(self) -> str:
        return str(self._device.name)

    def has(self, *keys: int) -> bool:
        """Whether it has all these keys."""
        return {code.value for code in self._device.evbits.get(EV_KEY, [])} >= set(keys)

    def grab(self) -> None:
        """Take it for ourselves; OSError if another program has it."""
        try:
            self._device.grab()
        except libevdev.DeviceGrabError as error:
            raise OSError("another program has it") from error

    def events(self) -> Iterator[libevdev.InputEvent]:
        """As they come, until the device is gone."""
        while True:
            try:
                yield from self._device.events()
            except libevdev.EventsDroppedException:
                for _ in self._device.sync():
                    """What is held down now; what was typed in between is lost, and SYN_DROPPED has said so."""

    def close(self) -> None:
        self._file.close()


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

    def take(self, event: libevdev.InputEvent) -> str:
        """The badge that ends with this event; empty for anything else."""
        if event.matches(EV_SYN.SYN_DROPPED):
            self._letters.clear()
        if event.code is None or not event.matches(EV_KEY):
            return ""
        code = event.code.value
        if code in SHIFT:
            self._shift = event.value != RELEASED
            return ""
        if event.value != PRESSED:
            return ""
        at = event.sec + event.usec / 1e6
        if not 0 <= at - self._latest < PAUSE_ENDS_S:
            self._letters.clear()
        self._latest = at
        if code in ENTER:
            text = "".join(self._letters)
            self._letters.clear()
            return text if len(text) <= LONGEST_BADGE else ""
        if len(self._letters) <= LONGEST_BADGE:
            self._letters.append(self._letter(code))
        return ""

    def _letter(self, code: int) -> str:
        plain = KEYS.get(code, "")
        return SHIFTED.get(plain, plain.upper()) if self._shift else plain


class Reader:
    """One badge reader, found again whenever it was unplugged. `trouble` is a sentence, or empty."""

    def __init__(self, path: str, show: Callable[[str], object], open_device: Callable[[str], Device] = Input) -> None:
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
            for event in device.events():
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
    for path in sorted(str(path) for path in INPUTS.glob("event*") if os.access(path, os.R_OK)):
        device = Input(path)
        if device.has(_key("0"), _key("9"), _key("ENTER")):
            found.append(Candidate(path, device.name))
        device.close()
    return tuple(found)
