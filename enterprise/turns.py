"""Whose message is next: each kiosk's in its turn, and of none so many that the others wait for it.

A kiosk has at most four batches under way, and sends again what was not signed for, so nothing is lost by what is dropped here.
Of its hellos and of its states the latest alone counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from device import messages
from enterprise.mqtt import Received

MOST_OF_ONE = 8  # batches and locks' questions of one kiosk that may wait at once: twice its window
LATEST_COUNTS = ("hello", "state")  # last parts of topics


@dataclass(frozen=True, slots=True)
class Turns:
    """What is dealt with now, what keeps its place, and what nobody will read; `flooding`: whose rest was dropped."""

    now: list[Received]
    later: list[Received]
    dropped: list[Received]
    flooding: frozenset[str]


def taken(waiting: Sequence[Received], most: int) -> Turns:
    """The first message of each device, then the second of each, up to `most`; those of one device stay in their order."""
    of_device: dict[str, list[Received]] = {}
    for message in waiting:
        of_device.setdefault(messages.device_of(message.topic), []).append(message)
    worth = {device: _worth_reading(sent) for device, sent in of_device.items()}
    flooding = frozenset(device for device, sent in worth.items() if len(sent) > MOST_OF_ONE + len(LATEST_COUNTS))
    kept = [sent[-1:] if device in flooding else sent for device, sent in worth.items()]
    in_turn = [message for each in zip_longest(*kept) for message in each if message is not None]
    stay = {id(message) for message in in_turn}
    return Turns(in_turn[:most], in_turn[most:], [message for message in waiting if id(message) not in stay], flooding)


def _worth_reading(sent: Sequence[Received]) -> list[Received]:
    latest = {message.topic: message for message in sent}
    return [message for message in sent if not message.topic.endswith(LATEST_COUNTS) or latest[message.topic] is message]
