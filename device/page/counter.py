"""What a person may do at the page: clock in without a face, see their own records, vouch for somebody.

Who asks is established by number and PIN, by a badge or a code; what opens their own affairs is a ticket of some minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from flask import Response, abort, request

from device import api, attend, clock, messages, people_counter, server
from device.by_face import ByFace
from device.config import Config
from device.consent import Purpose
from device.consenting import ConsentOffice
from device.corrections import Corrections
from device.messages import Direction, Notice
from device.own import BY, Own, TicketGone
from device.page import scene, voice
from device.page.application import PageRoute, Role
from device.page.readers import Readers
from device.page.stamps import Stamps
from device.sitting import Sittings
from device.ways import Ways

CHOICE_LASTS = timedelta(seconds=30)
SUSPENDED_FOR = timedelta(seconds=60)
NOT_AT_THE_PAGE = frozenset(
    {"/v1/ways/code", "/v1/ways/badge"}
)  # readers read; a page that could type a badge would make them idle


class Line(Protocol):
    """Looks at no face while another way is used; device.line has the real one."""

    policy: attend.Policy

    def suspend(self, since: clock.Moment, lasts: timedelta) -> None: ...
    def choose(self, direction: Direction, since: clock.Moment, lasts: timedelta) -> None: ...


@dataclass(frozen=True, slots=True)
class OwnScreen:
    """What a person sees of themselves, and messages to them alone."""

    affairs: api.OwnAffairs
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookedFor:
    """For how long a face is waited for. The same whoever's number it was."""

    wait_s: float


@dataclass(frozen=True)
class Counter:
    """Everything behind the page's buttons."""

    config: Config
    ways: Ways
    readers: Readers
    line: Line
    corrections: Corrections
    affairs: Own
    by_face: ByFace
    sittings: Sittings
    consents: ConsentOffice
    clock: clock.Clock
    notices: Callable[[], tuple[Notice, ...]]
    voice: voice.Voice
    stamps: Stamps | None = None

    def abilities(self) -> tuple[str, ...]:
        """What can be done here, as the settings have it."""
        chosen = self.config.ways
        found = {
            "pin": chosen.pin,
            "qr": bool(chosen.scan_interval_ms),
            "phone": chosen.phone and bool(chosen.scan_interval_ms),
            "badge": bool(chosen.badge_reader),
            "supervisor": chosen.assisted,
            "mine": True,
            "dispute": True,
            "enrol": chosen.pin,
            "direction": bool(self.config.attend.change_within_s),
            "choose": self.line.policy.direction is attend.Rule.BUTTON,
            "break": self.line.policy.has_breaks,
            "voice": self.voice.is_there,
            "stamp": self.stamps is not None,
        }
        return tuple(name for name, can in found.items() if can)

    def routes(self) -> tuple[PageRoute, ...]:
        """All of it, for whoever stands there."""
        ways = (route for route in people_counter.ways_routes(self.ways) if route.path not in NOT_AT_THE_PAGE)
        return (
            *(PageRoute(route.method, route.path, Role.PERSON, self._shown(route.answer)) for route in ways),
            PageRoute("POST", "/v1/other-way", Role.PERSON, self.other_way),
            PageRoute("POST", "/v1/ways/face", Role.PERSON, self.look_for),
            PageRoute("POST", "/v1/choice", Role.PERSON, self.choose),
            PageRoute("POST", "/v1/direction", Role.PERSON, self.change_direction),
            PageRoute("POST", "/v1/dispute", Role.PERSON, self.dispute),
            PageRoute("POST", "/v1/own", Role.PERSON, self.own),
            PageRoute("POST", "/v1/own/consent", Role.PERSON, self.give_consent),
            PageRoute("POST", "/v1/own/withdrawal", Role.PERSON, self.withdraw_consent),
            PageRoute("POST", "/v1/own/sitting", Role.PERSON, self.sit),
            PageRoute("POST", "/v1/own/sitting-end", Role.PERSON, self.get_up),
            PageRoute("GET", "/v1/consent-text", Role.PERSON, self.consent_text),
            PageRoute("POST", "/v1/say", Role.PERSON, self.say),
            *(self.stamps.routes() if self.stamps is not None else ()),
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
        self.by_face.leave()
        self.line.suspend(self.clock.now(), timedelta(0) if kind == "none" else SUSPENDED_FOR)
        return api.Done()

    def look_for(self) -> LookedFor:
        """Somebody says their number: their face shows that it is them, for their own affairs, and is no punch."""
        lasts = self.by_face.ask(*server.json_fields("number"))
        self.readers.punch()
        self.line.suspend(self.clock.now(), timedelta(0))
        return LookedFor(lasts.total_seconds())

    def choose(self) -> api.Done:
        """In, out or break was pressed: the next punch goes that way."""
        (direction,) = server.json_fields("direction")
        self.line.choose(self._offered(direction), self.clock.now(), CHOICE_LASTS)
        return api.Done()

    def change_direction(self) -> api.Done:
        """Another way than the kiosk thought, within the seconds that the setting gives."""
        seq, direction = server.json_fields("seq", "direction")
        number, wanted = _number(seq), self._offered(direction)
        self.corrections.change_direction(number, wanted)
        return api.Done()

    def _offered(self, direction: str) -> Direction:
        """The direction, if it is one that the page has a button for."""
        if direction not in set(Direction) or (Direction(direction).pause and not self.line.policy.has_breaks):
            abort(400)
        return Direction(direction)

    def dispute(self) -> api.Done:
        """Somebody says that this was not them; a person looks at it, and nothing is lost."""
        number = _number(*server.json_fields("seq"))
        self.corrections.dispute(number)
        return api.Done()

    def give_consent(self) -> api.OwnAffairs:
        """The ticket's owner agrees to exactly the text that was shown."""
        ticket, language, shown = server.json_fields("ticket", "language", "shown_sha256")
        return self.affairs.give_consent(ticket, language, Purpose.FACE_RECOGNITION, shown)

    def withdraw_consent(self) -> api.OwnAffairs:
        """Their template is destroyed before this returns."""
        return self.affairs.withdraw_consent(*server.json_fields("ticket"))

    def sit(self) -> api.Done:
        """The ticket's owner, who has agreed, is enrolled before the camera; the scene tells how it goes."""
        owner = self.ways.owner(*server.json_fields("ticket"))
        if owner is None:
            raise TicketGone("that took too long; say who you are once more")
        self.sittings.begin(owner.number, BY, "")
        return api.Done()

    def get_up(self) -> api.Done:
        """Nothing is kept of an enrolment that somebody breaks off."""
        self.sittings.end()
        return api.Done()

    def consent_text(self) -> api.ConsentText:
        """Exactly what somebody would agree to, in the language that they read."""
        text = self.consents.text(request.args.get("language", ""))
        return api.ConsentText(text.version, text.language, text.words, text.sha256)

    def own(self) -> OwnScreen:
        """What is held about the ticket's owner, and messages to them alone."""
        (ticket,) = server.json_fields("ticket")
        affairs, owner = self.affairs.affairs(ticket), self.ways.owner(ticket)
        return OwnScreen(affairs, self.messages_to(owner.person if owner else ""))

    def messages_to(self, person: str) -> tuple[str, ...]:
        """To them alone, to be shown now."""
        if not person or not self.config.page.messages:
            return ()
        return notices_for(person, self.notices(), self.clock.now())

    def say(self) -> Response:
        """One of the page's own sentences as a sound, its gaps filled with numbers; never a text that somebody sent."""
        word, language = server.json_fields("word", "language")
        if not (sound := self.voice.said(word, language, _numbers())):
            abort(404)
        return Response(sound, mimetype="audio/wav")


def _numbers() -> dict[str, str]:
    """What fills a sentence's gaps, by name."""
    body = request.get_json(silent=True)
    found = body.get("values", {}) if isinstance(body, dict) else {}
    if not isinstance(found, dict):
        abort(400)
    return {name: str(value) for name, value in found.items()}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        abort(400)
    return int(text)


def notices_for(person: str, notices: tuple[Notice, ...], now: clock.Moment) -> tuple[str, ...]:
    """Messages to that person alone (`person` empty: to everybody) that are to be shown now."""
    at = messages.write_time(now.at)
    return tuple(one.text for one in notices if one.person == person and one.begins_at <= at < one.ends_at)
