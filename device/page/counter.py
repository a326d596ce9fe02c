"""What a person may do at the page: clock in without a face, see their own records, vouch for somebody.

Who asks is established by number and PIN, by a badge or a code; what opens their own affairs is a ticket of a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from flask import abort

from device import api, clock, journal, messages, people, people_counter, server
from device.config import Config
from device.corrections import Corrections
from device.messages import Direction, Notice
from device.page import scene, voice
from device.page.application import PageRoute, Role
from device.page.readers import Readers
from device.ways import Ways

MOST_MINE = 10
CHOICE_LASTS = timedelta(seconds=30)
SUSPENDED_FOR = timedelta(seconds=60)
NOT_AT_THE_PAGE = frozenset(
    {"/v1/ways/code", "/v1/ways/badge"}
)  # readers read; a page that could type a badge would make them idle


class TicketGone(people.PeopleError):
    """Whoever was here took too long, or was not verified."""


class Line(Protocol):
    """Looks at no face while another way is used; device.line has the real one."""

    def suspend(self, since: clock.Moment, lasts: timedelta) -> None: ...
    def choose(self, direction: Direction, since: clock.Moment, lasts: timedelta) -> None: ...


@dataclass(frozen=True, slots=True)
class Mine:
    """One of a person's own records, for them to read."""

    seq: int
    at: str
    direction: str
    method: str


@dataclass(frozen=True, slots=True)
class MyAffairs:
    """What a person sees of themselves."""

    name: str
    records: tuple[Mine, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Counter:
    """Everything behind the page's buttons."""

    config: Config
    ways: Ways
    readers: Readers
    line: Line
    corrections: Corrections
    journal: journal.Journal
    clock: clock.Clock
    notices: Callable[[], tuple[Notice, ...]]
    voice: voice.Voice

    def abilities(self) -> tuple[str, ...]:
        """What can be done here, as the settings have it."""
        chosen = self.config.ways
        found = {
            "pin": chosen.pin,
            "qr": bool(chosen.scan_interval_ms),
            "badge": bool(chosen.badge_reader),
            "supervisor": chosen.assisted,
            "mine": True,
            "dispute": True,
            "direction": bool(self.config.attend.change_within_s),
            "choose": self.config.attend.direction == "button",
            "voice": self.voice.is_there,
        }
        return tuple(name for name, can in found.items() if can)

    def routes(self) -> tuple[PageRoute, ...]:
        """All of it, for whoever stands there."""
        ways = (route for route in people_counter.ways_routes(self.ways) if route.path not in NOT_AT_THE_PAGE)
        return (
            *(PageRoute(route.method, route.path, Role.PERSON, self._shown(route.answer)) for route in ways),
            PageRoute("POST", "/v1/other-way", Role.PERSON, self.other_way),
            PageRoute("POST", "/v1/choice", Role.PERSON, self.choose),
            PageRoute("POST", "/v1/direction", Role.PERSON, self.change_direction),
            PageRoute("POST", "/v1/dispute", Role.PERSON, self.dispute),
            PageRoute("POST", "/v1/mine", Role.PERSON, self.mine),
            PageRoute("POST", "/v1/say", Role.PERSON, self.say),
        )

    def _shown(self, answer: Callable[[], api.Decision]) -> Callable[[], scene.Shown]:
        return lambda: scene.shown(answer(), self.config.page.names)

    def other_way(self) -> api.Done:
        """Somebody begins with another way (`pin`, `reader`; `verify`: readers say only who it is), or is through (`none`)."""
        (kind,) = server.json_fields("kind")
        if kind not in ("pin", "reader", "verify", "none"):
            abort(400)
        if kind == "verify":
            self.readers.verify()
        else:
            self.readers.punch()
        self.line.suspend(self.clock.now(), timedelta(0) if kind == "none" else SUSPENDED_FOR)
        return api.Done()

    def choose(self) -> api.Done:
        """In or out was pressed: the next punch goes that way."""
        (direction,) = server.json_fields("direction")
        if direction not in set(Direction):
            abort(400)
        self.line.choose(Direction(direction), self.clock.now(), CHOICE_LASTS)
        return api.Done()

    def change_direction(self) -> api.Done:
        """The other way round, within the seconds that the setting gives."""
        seq, direction = server.json_fields("seq", "direction")
        self.corrections.change_direction(_number(seq), direction)
        return api.Done()

    def dispute(self) -> api.Done:
        """Somebody says that this was not them; a person looks at it, and nothing is lost."""
        self.corrections.dispute(_number(*server.json_fields("seq")))
        return api.Done()

    def mine(self) -> MyAffairs:
        """The ticket's owner's last records, by their corrected times, and messages to them alone."""
        (ticket,) = server.json_fields("ticket")
        person = self.ways.owner(ticket)
        if person is None:
            raise TicketGone("that took too long; say who you are once more")
        line = self.journal.timeline()
        records = (
            Mine(record.seq, line.correct(record.stamp).at.isoformat(), record.body["direction"], record.body["method"])
            for record in self.journal.recent_of(person.person, MOST_MINE)
        )
        return MyAffairs(person.name, tuple(records), notices_for(person.person, self.notices(), self.clock.now()))

    def say(self) -> api.Done:
        """One of the page's own sentences aloud; never a text that somebody sent."""
        word, language = server.json_fields("word", "language")
        if not self.voice.say(word, language):
            abort(404)
        return api.Done()


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        abort(400)
    return int(text)


def notices_for(person: str, notices: tuple[Notice, ...], now: clock.Moment) -> tuple[str, ...]:
    """Messages to that person alone (`person` empty: to everybody) that are to be shown now."""
    at = messages.write_time(now.at)
    return tuple(one.text for one in notices if one.person == person and one.begins_at <= at < one.ends_at)
