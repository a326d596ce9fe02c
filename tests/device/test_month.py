"""A month at one kiosk: enrolments, punches by every way, withdrawals, erasures and purges; and then a look into every file."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path

import numpy as np
import pytest

from device import (
    api,
    claims,
    config,
    consenting,
    corrections,
    erasure,
    gallery,
    holdings,
    housekeeping,
    journal,
    line,
    messages,
    own,
    retention,
    ways,
)
from device.attend import Identity
from device.people import Directory, credentials
from device.personnel import Personnel
from models.openset import Bound
from tests.device import parts
from tests.device.test_consenting import WORDS
from tests.device.test_line import POLICY, Script
from tests.device.test_people import EMBEDDER, vector

BY, DAY_S, DAYS = "cli:hr", 86_400.0, 30
PERIODS = config.Retention(templates_days=12, unrenewed_days=6, left_days=4)
NAMES = [
    "Aurelio Ferrante", "Beatrix Oyelaran", "Casimir Dubrowski", "王小明先生", "Dorothea Lindqvist", "歐陽娜娜女士",
    "Ephraim Goldwater", "Fiametta Rossellini", "Gwendolyn Achterberg", "Hyacinth Mbeki-Jones",
]  # fmt: skip


@dataclass
class Somebody:
    """An employee as the test knows them: everything that the kiosk must never keep in the clear, or must lose."""

    person: str
    number: str
    name: str
    pin: str
    badge: str
    seed: int
    code: str = ""
    phone: credentials.Phone | None = None
    traces: set[bytes] = field(default_factory=set)
    gone: bool = False


@dataclass
class Month:
    """One kiosk's daemon without its camera, and whoever works there."""

    folder: Path
    clock: parts.Clock
    journal: journal.Journal
    directory: Directory
    keeper: gallery.Keeper
    walk: line.Line
    board: line.Board
    ways: ways.Ways
    office: Personnel
    consents: consenting.ConsentOffice
    eraser: erasure.Eraser
    keeping: retention.Retention
    own: own.Own
    people: list[Somebody] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    def here(self) -> list[Somebody]:
        return [one for one in self.people if not one.gone]

    def erase(self, one: Somebody) -> None:
        self.remember(one)
        done = self.eraser.erase(one.number, "asked", BY)
        assert done.remains == ()
        one.gone = True

    def remember(self, one: Somebody) -> None:
        """What of this person is in the file now, sealed or not; later it must be nowhere."""
        one.traces.update(self.directory.graves.traces(one.person).all)

    def acknowledged(self) -> None:
        """The server has signed for everything, and old records go."""
        parts.acknowledge_all(self.journal)


@pytest.fixture
def month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Month]:
    log = logging.FileHandler(tmp_path / "kiosk.log", encoding="utf-8")
    logging.getLogger().addHandler(log)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    opened, ticking, board = parts.open_journal(tmp_path), parts.Clock(), line.Board()
    directory = Directory(tmp_path / "people.db", bytes(range(32)))
    keeper = gallery.Keeper(directory, EMBEDDER, gallery.Terms((Bound(0.4, 1e-6),), gallery.Promise(), 0.4))

    def renew(person: str) -> None:
        keeper.renew(person) if person else keeper.refill()

    def forget(person: str) -> None:
        board.forget(person)
        renew(person)

    class Names:
        def name_of(self, person: str) -> str:
            return directory.get(person).name

        def expires_at(self, person: str) -> object:
            return directory.get(person).expires_at

    walk = line.Line(Script([]), opened, Names(), board, POLICY, parts.MODELS, "gate 1")  # type: ignore[arg-type]
    counter = claims.Claims(directory, keeper, EMBEDDER, ticking, 15.0, lambda claimed: None)
    other = ways.Ways(directory, walk, board, counter, ticking, config.Ways())
    consents = consenting.ConsentOffice(opened, directory, ticking, renew)
    eraser = erasure.Eraser(opened, directory, ticking, tmp_path, forget)
    keeping = retention.Retention(opened, directory, eraser, ticking, renew, lambda: PERIODS)
    amending = corrections.Corrections(opened, ticking, lambda: timedelta(seconds=20))
    affairs = own.Own(other, consents, directory, opened, holdings.Holdings(opened, directory, ticking), amending)
    staff = Personnel(opened, directory, ticking, UTC)
    yield Month(tmp_path, ticking, opened, directory, keeper, walk, board, other, staff, consents, eraser, keeping, affairs)
    logging.getLogger().removeHandler(log)
    log.close()
    directory.close()
    opened.close()


def hire(month: Month) -> None:
    """Everybody from one list; each gets every way, seven agree to a template and are enrolled."""
    rows = [(f"EMP-77{number:04}", name, f"8{number}2913057461", f"0004-badge-{number}") for number, name in enumerate(NAMES)]
    text = "number,name,pin,badge\n" + "".join(",".join(row) + "\n" for row in rows)
    assert month.office.import_list(text, BY, dry_run=False).applied
    for seed, (number, name, pin, badge) in enumerate(rows):
        known = month.directory.by_number(number)
        month.directory.credentials.change_pin(number, pin, pin[::-1], month.clock.now())
        one = Somebody(known.person, number, name, pin[::-1], badge, seed)
        one.code = month.office.new_code(number, BY).code
        one.phone = month.directory.credentials.new_phone(known.person, month.clock.now().at)
        month.people.append(one)
        if seed < 7:
            enrol(month, one)
        month.remember(one)
    month.office.change_person(rows[9][0], "", "", "", "", "yes", BY)


def enrol(month: Month, one: Somebody) -> None:
    month.consents.give(one.number, "en", "consent", BY)
    month.directory.add_template(one.person, EMBEDDER, "photograph", vector(one.seed), month.clock.now().at)
    month.keeper.renew(one.person)


def face(month: Month, one: Somebody) -> api.Decision:
    now = month.clock.now()
    seen = (messages.Liveness.PASSED, messages.Capture.CAMERA)
    return month.walk.settle(Identity(one.person, 0.81234567, 0.4, 3, now, now, now, *seen))


def completed(month: Month, one: Somebody, said: api.Decision) -> api.Decision:
    return month.ways.complete(said.ticket, one.pin)


def by_phone(month: Month, one: Somebody) -> api.Decision:
    assert one.phone is not None
    code = credentials.rotating(one.phone.secret).at(month.clock.now().at)
    return month.ways.code(credentials.phone_text(one.phone.phone, code))


def vouched(month: Month, one: Somebody) -> api.Decision:
    boss = month.people[9]
    if one is boss:
        return month.ways.pin(one.number, one.pin)
    first = month.ways.badge(boss.badge, punch=False)
    return month.ways.assist(first.ticket, boss.pin, one.number, "forgotten")


WAYS: dict[str, Callable[[Month, Somebody], api.Decision]] = {
    "pin": lambda month, one: month.ways.pin(one.number, one.pin),
    "badge+pin": lambda month, one: completed(month, one, month.ways.badge(one.badge)),
    "qr+pin": lambda month, one: completed(month, one, month.ways.code(one.code)),
    "qr": by_phone,
    "supervisor": vouched,
}


def work(month: Month, day: int, chance: random.Random) -> None:
    """In at nine and out at five, each by some way; a prankster types PINs in between."""
    for hour in (9, 17):
        for number, one in enumerate(month.here()):
            month.clock.seconds = day * DAY_S + hour * 3_600 + number * 120
            has_face = one.person in month.keeper.known.gallery.persons
            way = "face" if has_face and chance.random() < 0.6 else chance.choice(list(WAYS))
            said = face(month, one) if way == "face" else WAYS[way](month, one)
            assert said.outcome == "punched", (way, said)
            month.done[said.method] = month.done.get(said.method, 0) + 1
    month.clock.seconds += 3_600
    month.ways.pin(chance.choice(month.people).number, "314159265358")
    month.ways.code("'; DROP TABLE person; --")
    reader = chance.choice(month.here())
    month.own.export(month.ways.pin(reader.number, reader.pin, punch=False).ticket)


def events(month: Month, day: int) -> None:
    """What happens in a month, each at its day; numbers are places in the list of people."""
    everybody = month.people
    if day == 3:
        month.consents.withdraw(everybody[0].number, BY)
    if day == 5:
        month.erase(everybody[1])
    if day == 8:
        month.consents.publish("face_recognition", "2026-12", WORDS, BY, asks_again=True)
        for one in (everybody[2], everybody[3]):
            month.consents.give(one.number, "zh-TW", "consent", BY)
    if day == 10:
        month.office.change_person(everybody[4].number, "", "", "", "2026-12-03T00:00+00:00", "", BY)
        month.remember(everybody[4])
    if day == 12:
        month.directory.credentials.change_pin(everybody[2].number, everybody[2].pin, "918273645019", month.clock.now())
        everybody[2].pin = "918273645019"
        month.remember(everybody[2])
    if day == 20:
        month.consents.withdraw(everybody[2].number, "self")
        month.erase(everybody[2])
    if day == 24:
        enrol(month, everybody[7])


def test_after_a_month_no_byte_of_an_erased_person_is_in_any_file_and_nobodys_secret_either(month: Month) -> None:
    chance = random.Random(20_261_126)
    hire(month)
    for day in range(1, DAYS + 1):
        events(month, day)
        if day >= 10:
            leaver = month.people[4]
            leaver.gone = True  # no longer comes; the kiosk still knows them until their time has passed
        work(month, day, chance)
        month.acknowledged()
        month.keeping.purge("retention", dry_run=False)
        housekeeping.prune(month.journal, config.parse({"journal": {"keep_days": 7}}), month.clock.now().at, Never())  # type: ignore[arg-type]
    expect_a_full_month(month)
    look_into_every_file(month)


class Never:
    """An event that nobody sets, and nobody waits for."""

    def wait(self, _seconds: float) -> bool:
        return False


def expect_a_full_month(month: Month) -> None:
    assert set(month.done) == {"face", *WAYS}, "every way was used"
    assert sum(month.done.values()) > 450
    assert {one.number for one in month.people} - {person.number for person in month.directory.list()} == {
        month.people[place].number for place in (1, 2, 4)
    }
    assert month.journal.erased() == {month.people[place].person for place in (1, 2, 4)}, "remembered beyond the records"
    month.journal.verify()
    assert month.journal.head().kept_from > 100, "old records went"
    holders = {person.number for person in month.directory.list() if person.templates}
    assert holders == {month.people[place].number for place in (3, 7)}, "unrenewed ones were purged"


def look_into_every_file(month: Month) -> None:
    files = {path.relative_to(month.folder): path.read_bytes() for path in month.folder.rglob("*") if path.is_file()}
    assert {"kiosk.log", "people.db", "journal.db"} <= {str(name) for name in files}
    erased = [month.people[place] for place in (1, 2, 4)]
    for one in erased:
        assert len(one.traces) > 5
        assert [(str(name), trace[:4]) for name, data in files.items() for trace in one.traces if trace in data] == []
    for one in month.people:
        assert one.phone is not None
        secrets = [one.badge, one.code, one.phone.secret, one.pin]
        numbers = vector(one.seed).tobytes()
        for name, data in files.items():
            assert not [secret for secret in secrets if len(secret) > 5 and secret.encode() in data], name
            assert numbers[:16] not in data
            if name.name not in ("people.db", "people.db-wal"):
                assert one.name.encode() not in data, name
                assert one.number.encode() not in data, name
    everything = b"".join(files.values())
    assert b"0.8123" not in everything
    assert np.float32(0.81234567).tobytes() not in files[Path("journal.db")]
