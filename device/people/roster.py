"""A list of employees, from the server's roster or a CSV file (people.table): what a line is and may be. It is planned as a whole.

Nothing is half imported. Consent is the person's own act and never a column.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from device.messages import write_time
from device.people.credentials import check_code_text, check_hash, check_pin_text
from device.people.errors import PeopleError
from device.people.person import unending
from device.sentences import say

LANGUAGES = ("zh-CN", "zh-TW", "en")
# What a list may leave out, and where an entry has it.
OPTIONAL = {"language": "language", "group": "group", "expires": "expires_at", "supervisor": "supervisor"}
MOST_LETTERS = 64
FIRST_YEAR = 1900  # times of before some zones cannot show
Digest = Callable[[str, str], bytes]
OPAQUE_ID = re.compile("p-[0-9a-f]{32}")
YES, NO = {"1", "yes", "true", "是"}, {"", "0", "no", "false", "否"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One employee of a list. `person`: the roster's opaque id, empty where the number alone says who it is.

    `pin` and `pin_hash` (Argon2id) are pre-assigned and changed at first use. None leaves badges and code as they are.
    """

    number: str
    name: str
    language: str = "zh-CN"
    group: str = ""
    expires_at: datetime | None = None
    supervisor: bool = False
    person: str = ""
    pin: str = ""
    pin_hash: str = ""
    badges: tuple[str, ...] | None = None
    qr: str | None = None
    unsaid: frozenset[str] = frozenset()  # of OPTIONAL, what the list has no column for: it stays as it is


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that cannot be: whose number stands in it, and why. `person` as in an entry: they are left as they are."""

    number: str
    why: str
    person: str = ""


class Act(enum.StrEnum):
    """What becomes of one line."""

    ADD = "add"
    CHANGE = "change"
    SAME = "same"
    END = "end"  # a complete roster no longer has them: they clock in no more
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Known:
    """A person whom the directory has, as far as a list can change them; badges, codes and the assigned PIN as keyed digests."""

    person: str
    entry: Entry
    origin: str
    assigned: bytes = b""
    badges: frozenset[bytes] = frozenset()
    codes: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """A column that changes, from what to what; both sides are empty where no record may say it: names, PINs, badges and codes."""

    column: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one line (1 is the first; 0 for somebody whom the list lacks), what changes, and why it is refused.

    `inherited`: digests of the badges and codes that somebody has until now who leaves.
    """

    line: int
    number: str
    act: Act
    why: str = ""
    person: str = ""
    entry: Entry | None = None
    changes: tuple[Change, ...] = ()
    inherited: tuple[bytes, ...] = ()


def read_expiry(text: str, zone: tzinfo) -> datetime | None:
    """A date (the person's last day, to its end by the place's clock) or a time with its zone. Or PeopleError.

    None for none, and for the year 9999.
    """
    if not text:
        return None
    try:
        is_day = len(text) == 10
        at = datetime.combine(date.fromisoformat(text), time(), zone) if is_day else datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise PeopleError(say("list.zone"))
        return unending(at) and given_end(at + timedelta(days=1) if is_day else at)
    except (ValueError, OverflowError) as error:
        raise PeopleError(say("list.expires")) from error


def given_end(at: datetime) -> datetime | None:
    """The moment, None for no end, or PeopleError. What is kept is asked no more: it would stop every other change."""
    if (found := at.astimezone(UTC)).year < FIRST_YEAR:
        raise PeopleError(say("list.expires"))
    return unending(found)


def read_flag(text: str) -> bool:
    """Yes or no, as lists and people write it."""
    if text.lower() not in YES | NO:
        raise PeopleError(say("list.supervisor"))
    return text.lower() in YES


def check(entry: Entry) -> None:
    """Returns if this entry may be kept; PeopleError says what is wrong, without repeating a secret."""
    for what, text, least in (("number", entry.number, 1), ("name", entry.name, 1), ("group", entry.group, 0)):
        check_text(say(f"what.{what}"), text, least)
    if entry.person and not OPAQUE_ID.fullmatch(entry.person):
        raise PeopleError(say("list.opaque"))
    if entry.language not in LANGUAGES:
        raise PeopleError(say("list.language", languages=", ".join(LANGUAGES)))
    if entry.pin:
        check_pin_text(entry.pin, entry.number)
    if entry.pin_hash:
        check_hash(entry.pin_hash)
    for text in (*(entry.badges or ()), *((entry.qr,) if entry.qr else ())):
        check_code_text(text)


def check_text(what: str, text: str, least: int = 1) -> None:
    """Before anything is written: a text that the journal or the screen could not take would leave a change half done."""
    if not least <= len(text.strip()) or len(text) > MOST_LETTERS or any(is_no_letter(one) for one in text):
        raise PeopleError(say("list.letters", what=what, least=least, most=MOST_LETTERS))


def is_no_letter(one: str) -> bool:
    """Controls, halves of pairs, and places that Unicode will never give to a letter: XML takes none of the last."""
    place = ord(one)
    return unicodedata.category(one) in ("Cc", "Cs") or place & 0xFFFE == 0xFFFE or 0xFDD0 <= place <= 0xFDEF


def changes_of(before: Entry, after: Entry) -> tuple[Change, ...]:
    """What of a person becomes another, as lists name it."""
    named = [Change(column) for column in ("number", "name") if getattr(before, column) != getattr(after, column)]
    sides = ((column, _said(before, field), _said(after, field)) for column, field in OPTIONAL.items())
    return tuple(named) + tuple(Change(*side) for side in sides if side[1] != side[2])


def _said(entry: Entry, field: str) -> str:
    """A field as a list would say it."""
    match getattr(entry, field):
        case bool() as flag:
            return "yes" if flag else "no"
        case datetime() as at:
            return write_time(at)
        case value:
            return value or ""
