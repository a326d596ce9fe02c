"""kiosk-web.sock: what the administrators' pages ask. No picture, no template and no card's code is in any answer."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from device import messages
from device.api.admin import AdminClient
from device.api.answers import Person, Work
from device.api.joining import JoinClient
from device.api.locks import LocksClient
from device.api.people import PeopleClient
from device.api.recognition import RecognitionStanding
from device.api.selftest import SelfTest

WEB_SOCKET = "kiosk-web.sock"
RESTART_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A part of the people who match, and how many match in all."""

    total: int
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class PunchRow:
    """One punch as a page lists it. `at` is the time as it should be read; `review`: nobody knows it for sure.

    `state`: counts, disputed or voided. What the office said has the way `office`, why and who; it may replace another record.
    """

    seq: int
    hash: str
    at: str
    quality: str
    review: bool
    state: str
    person: str
    number: str
    name: str
    direction: str
    method: str
    liveness: str
    capture: str
    site: str
    replaces: int = 0
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class PunchPage:
    """A part of the punches that match, and how many match in all; `kept` is the key of a list that is kept for its reader."""

    total: int
    punches: tuple[PunchRow, ...]
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody who is in, since when, by which record."""

    person: str
    number: str
    name: str
    seq: int
    at: str


@dataclass(frozen=True, slots=True)
class Attendance:
    """By everybody's latest punch: how many are in and on a break (`away`) now, how many were here today and have gone, and the
    first hundred of those who are in or `resting`."""

    inside: int
    gone: int
    people: tuple[Presence, ...]
    away: int = 0
    resting: tuple[Presence, ...] = ()


@dataclass(frozen=True, slots=True)
class PresentPage:
    """A part of those who are in one place, and how many are there."""

    total: int
    people: tuple[Presence, ...]


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """A part of the records that match, each with `corrected`, the time that it is to be read with; and how many match in all."""

    total: int
    records: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SettingShown:
    """One setting: what it is now, without anybody's choice, what it means, its limits, or the few values that it may have.

    `by_root`: it stands in a file that is root's, and only there it can be changed.
    """

    name: str
    value: Any
    default: Any
    meaning: str
    lowest: float | None
    highest: float | None
    choices: tuple[str, ...] = ()
    by_root: bool = False


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Names that changed; they hold from the kiosk daemon's next start."""

    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeChecked:
    """Whether a code was the one on the screen, and how long to wait before the next try, seconds.

    `looked_at`: whether it was compared at all; not where it came before the last wait was over.
    """

    right: bool
    wait_s: float
    looked_at: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """It was done."""


class WebClient(AdminClient, PeopleClient, JoinClient):
    """The web daemon's side of kiosk-web.sock: those of the office's calls that it may make, and what pages need beside them."""

    @functools.cached_property
    def locks(self) -> LocksClient:
        """The same socket, for what is asked about contract locks."""
        return LocksClient(self._socket)

    def people_page(
        self, search: str = "", state: str = "", sort: str = "number", *, descending: bool = False, offset: int = 0, limit: int = 50
    ) -> PeoplePage:
        """People whose number or name contains `search`; `state`: consent, no_consent, enrolled or "" for everybody."""
        asked: dict[str, Any] = {
            "search": search,
            "state": state,
            "sort": sort,
            "descending": int(descending),
            "offset": offset,
            "limit": limit,
        }
        return self._get("/v1/people-page", PeoplePage, **asked)

    def person(self, number: str) -> Person:
        """One person; KioskRefused if nobody has that number."""
        return self._get("/v1/person", Person, number=number)

    def people_by_id(self, people: set[str]) -> tuple[Person, ...]:
        """Those of them who are known, a thousand at most."""
        answer = self._ask("POST", "/v1/people-by-id", json={"people": sorted(people)})
        return messages.CODEC.structure(answer.json(), tuple[Person, ...])

    def punch_page(self, **wanted: str | int) -> PunchPage:
        """Punches that match `since`, `until`, `search`, `number`, `direction`, `method`, `review`, `state`; a part of them.

        `sort`: at, seq, number, name, direction, method, state or quality. With `kept` new the answer names a list that stays as
        it is: its other parts are asked for with that name as `kept`, and KioskRefused says that it is gone.
        """
        return self._get("/v1/punch-page", PunchPage, timeout_s=60.0, **wanted)

    def punch(self, seq: int) -> tuple[PunchRow, dict[str, Any]]:
        """One punch as listed, and its record."""
        return self._get("/v1/punch", tuple[PunchRow, dict[str, Any]], seq=seq)

    def presence(self, since: str) -> Attendance:
        """Who is in and who is on a break; `since` is when the day began."""
        return self._get("/v1/presence", Attendance, timeout_s=60.0, since=since)

    def present_page(self, since: str, place: str, **wanted: str | int) -> PresentPage:
        """Those who are inside or, with `place` resting, on a break; `sort`: at, number or name."""
        return self._get("/v1/present-page", PresentPage, timeout_s=60.0, since=since, place=place, **wanted)

    def records_page(self, kinds: tuple[str, ...], **wanted: str | int) -> RecordsPage:
        """Records of some kinds, never punches, newest first; `sort`: seq, what, by, person or lock."""
        return self._get("/v1/records-page", RecordsPage, timeout_s=60.0, kinds=",".join(kinds), **wanted)

    def settings(self) -> tuple[SettingShown, ...]:
        """Every setting of the kiosk, as its file says now."""
        return self._get("/v1/settings", tuple[SettingShown, ...])

    def change_settings(self, changes: dict[str, Any], by: str) -> SettingsChanged:
        """Write some settings, all or none; KioskRefused names the first that cannot be."""
        answer = self._ask("POST", "/v1/settings", json={"changes": changes, "by": by})
        return messages.CODEC.structure(answer.json(), SettingsChanged)

    def restart(self, by: str) -> Done:
        """The kiosk daemon ends, and whoever keeps it running starts it with its new settings."""
        return self._post("/v1/restart", Done, by=by)

    def recognition(self) -> RecognitionStanding:
        """What is searched, from what evidence, and who looks like whom."""
        return self._get("/v1/recognition", RecognitionStanding)

    def begin_self_test(self, by: str) -> SelfTest:
        """Have the uplink try the way to the server; KioskRefused while a test is under way."""
        return self._post("/v1/self-test", SelfTest, by=by)

    def self_test(self) -> SelfTest:
        """How the last self-test stands."""
        return self._get("/v1/self-test", SelfTest)

    def release_piece(self, name: str, offset: int, piece: bytes, by: str) -> None:
        """Bring a signed release, piece by piece: first the archive, then its signature; root looks at it afterwards."""
        self._ask("POST", "/v1/update-piece", params={"name": name, "offset": offset, "by": by}, content=piece, timeout_s=60.0)

    def release_waiting(self) -> str:
        """The archive that was brought and waits for its turn; "" for none."""
        return str(self._ask("GET", "/v1/update-waiting").json()["archive"])

    def work(self, key: str) -> Work:
        """How far the work is that was begun under this key."""
        return self._get("/v1/work", Work, key=key)

    def audit(self, action: str, by: str, before: str = "", after: str = "") -> Done:
        """Write into the journal what was done to the web UI's own accounts."""
        return self._post("/v1/audit", Done, action=action, by=by, before=before, after=after)

    def announce(self, addresses: tuple[str, ...], fingerprint: str, *, wants_first: bool) -> Done:
        """What the kiosk's screen should say about the web UI; with `wants_first` it shows the first administrator's code."""
        body = {"addresses": list(addresses), "fingerprint": fingerprint, "wants_first": wants_first}
        return messages.CODEC.structure(self._ask("POST", "/v1/web-announcement", json=body).json(), Done)

    def tell_certificate(self, ends_at: str) -> Done:
        """When this daemon's certificate ends, for whoever watches the kiosk's health."""
        return self._post("/v1/web-certificate", Done, ends_at=ends_at)

    def ask_recovery(self, account: str, *, console: bool) -> Done:
        """Have a code shown with which this account may choose a new password, on the kiosk's screen or at root's console."""
        return self._post("/v1/web-recovery", Done, account=account, where="console" if console else "screen")

    def check_code(self, purpose: str, account: str, code: str, asker: str = "") -> CodeChecked:
        """Whether it is the code on the screen; each code serves once, and wrong ones make this asker wait."""
        return self._post("/v1/web-code", CodeChecked, purpose=purpose, account=account, code=code, asker=asker)

    def signed_export(self, after: int) -> bytes:
        """Records after a number as lines of JSON with their signatures; empty at the end. `daka verify` needs nothing else."""
        return self._ask("GET", "/v1/signed-records", params={"after": after}, timeout_s=60.0).content
