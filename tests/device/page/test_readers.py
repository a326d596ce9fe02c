"""What a badge or code is for: a punch as a rule, for a while only to know who it is."""

from __future__ import annotations

import dataclasses

import pytest

from device import api
from device.page.readers import Readers
from tests.device import parts
from tests.device.page.stage import decision


@dataclasses.dataclass
class Heard:
    """What the readers handed on: text, and whether it was to be a punch."""

    texts: list[tuple[str, bool]] = dataclasses.field(default_factory=list)

    def code(self, text: str, *, punch: bool = True) -> api.Decision:
        self.texts.append((text, punch))
        return decision()

    badge = code


@pytest.fixture
def clock() -> parts.Clock:
    return parts.Clock()


def test_a_badge_and_a_code_are_a_punch_as_a_rule(clock: parts.Clock) -> None:
    heard = Heard()
    readers = Readers(heard, clock)
    readers.badge("b")
    readers.code("c")
    assert heard.texts == [("b", True), ("c", True)]


def test_a_supervisor_who_helps_is_not_clocked_in_by_their_badge(clock: parts.Clock) -> None:
    heard = Heard()
    readers = Readers(heard, clock)
    readers.verify()
    readers.badge("b")
    readers.punch()
    readers.badge("b")
    assert heard.texts == [("b", False), ("b", True)]


def test_a_sheet_that_was_left_open_changes_nothing_for_the_next_person(clock: parts.Clock) -> None:
    heard = Heard()
    readers = Readers(heard, clock)
    readers.verify()
    clock.seconds = 61.0
    readers.code("c")
    assert heard.texts == [("c", True)]
