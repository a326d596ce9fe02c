"""Badge readers that type: recorded key events become a badge, the device is ours alone, and comes back when it was unplugged."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import libevdev
import pytest
from libevdev import EV_KEY, EV_MSC, EV_SYN

from device import badges

US = {letter: code for code, letter in badges.KEYS.items() if code not in range(EV_KEY.KEY_KP7.value, EV_KEY.KEY_KPDOT.value)}


def typed(text: str, start_s: float = 100.0, pause_s: float = 0.005) -> list[libevdev.InputEvent]:
    """As a reader was recorded: each key down and up with its scan code and sync, Shift around capitals, Enter at the end."""
    events: list[libevdev.InputEvent] = []
    at = start_s

    def key(code: int, value: int) -> None:
        second, micro = int(at), round(at % 1 * 1_000_000)
        pressed = libevdev.evbit("EV_KEY", code)
        for what, said in ((EV_MSC.MSC_SCAN, 458_000 + code), (pressed, value), (EV_SYN.SYN_REPORT, 0)):
            events.append(libevdev.InputEvent(what, said, second, micro))

    for letter in text:
        if letter.isupper():
            key(EV_KEY.KEY_LEFTSHIFT.value, 1)
        for value in (1, 0):
            key(US[letter.lower()], value)
        if letter.isupper():
            key(EV_KEY.KEY_LEFTSHIFT.value, 0)
        at += pause_s
    key(EV_KEY.KEY_ENTER.value, 1)
    key(EV_KEY.KEY_ENTER.value, 0)
    return events


def said(events: Sequence[libevdev.InputEvent]) -> list[str]:
    reader = badges.Typed()
    return [text for text in map(reader.take, events) if text]


@pytest.mark.parametrize("badge", ["0004512345", "E2801160", "aB-9.x", "0" * 256])
def test_what_a_reader_types_is_the_badge(badge: str) -> None:
    assert said(typed(badge)) == [badge]


def test_two_badges_after_each_other_are_two() -> None:
    assert said([*typed("1111"), *typed("2222", 100.5)]) == ["1111", "2222"]


def test_half_a_badge_before_a_pause_is_forgotten() -> None:
    half = typed("0004512345")[:12]
    assert said([*half, *typed("2222", 102.0)]) == ["2222"]
    assert said(typed("1234", pause_s=1.5)) == [], "somebody pressing keys is no reader"


def test_an_endless_badge_is_none_and_the_next_one_is_read() -> None:
    assert said([*typed("7" * 5_000, pause_s=0.0001), *typed("2222", 101.5)]) == ["2222"]


def test_a_badge_of_which_the_kernel_lost_a_part_is_none() -> None:
    events = typed("0004512345")
    assert said([*events[:20], libevdev.InputEvent(EV_SYN.SYN_DROPPED, 0), *events[26:], *typed("2222", 101.5)])[-1:] == ["2222"]
    assert "0004512345" not in said([*events[:20], libevdev.InputEvent(EV_SYN.SYN_DROPPED, 0), *events[20:]])


def test_keys_held_down_count_once() -> None:
    events = typed("42")
    repeated = [libevdev.InputEvent(events[1].code, 2, events[1].sec, events[1].usec)] * 9
    assert said([*events[:3], *repeated, *events[3:]]) == ["42"]


class Recorded:
    """A device file that plays what was recorded and then is unplugged."""

    def __init__(self, events: Sequence[libevdev.InputEvent]) -> None:
        self._events, self.grabbed, self.closed = events, False, False

    def grab(self) -> None:
        self.grabbed = True

    def events(self) -> Iterator[libevdev.InputEvent]:
        assert self.grabbed, "no key may be read that others can read too"
        yield from self._events
        raise OSError(19, "No such device")

    def close(self) -> None:
        self.closed = True


def test_a_reader_is_taken_exclusively_and_comes_back_after_it_was_unplugged(caplog: pytest.LogCaptureFixture) -> None:
    plugged: list[Recorded] = [Recorded(typed("0004512345")), Recorded(typed("0004599999"))]
    opened: list[Recorded] = []
    shown: list[str] = []
    stop = threading.Event()

    def open_device(path: str) -> Recorded:
        if not plugged:
            stop.set()
            raise OSError(2, "No such file or directory")
        opened.append(plugged.pop(0))
        return opened[-1]

    reader = badges.Reader("/dev/input/by-id/reader", shown.append, open_device)
    with caplog.at_level(logging.DEBUG):
        reader.run(stop, retry_s=0.0)
    assert shown == ["0004512345", "0004599999"]
    assert all(device.grabbed and device.closed for device in opened)
    assert "Plug it in" in reader.trouble
    assert "00045" not in caplog.text


def test_a_counter_that_fails_does_not_end_the_reader_and_no_badge_enters_the_log(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    devices = [Recorded([*typed("secret1"), *typed("secret2", 101.0)])]

    def fails(text: str) -> None:
        if text == "secret2":
            stop.set()
        raise RuntimeError(text)

    with caplog.at_level(logging.DEBUG):
        badges.Reader("/dev/input/x", fails, lambda path: devices[0]).run(stop, retry_s=0.0)
    assert stop.is_set()
    assert "secret" not in caplog.text


@pytest.mark.skipif(not os.access("/dev/uinput", os.W_OK), reason="no /dev/uinput here; recorded events stand in for a device")
def test_a_real_input_device_is_grabbed_and_read(tmp_path: Path) -> None:
    keyboard = libevdev.Device()
    keyboard.name = "test reader"
    for code in (*badges.KEYS, EV_KEY.KEY_ENTER.value, EV_KEY.KEY_LEFTSHIFT.value):
        keyboard.enable(libevdev.evbit("EV_KEY", code))
    shown: list[str] = []
    stop = threading.Event()

    def show(text: str) -> None:
        shown.append(text)
        stop.set()

    reader_typing = keyboard.create_uinput_device()
    assert "test reader" in [found.name for found in badges.candidates()]
    listening = threading.Thread(target=badges.Reader(reader_typing.devnode, show).run, args=(stop, 0.05))
    listening.start()
    while not stop.wait(0.2):
        for event in typed("0004512345"):
            if not event.matches(EV_MSC):
                reader_typing.send_events([event])
    listening.join(10)
    assert shown[0] == "0004512345"
