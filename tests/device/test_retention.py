"""What is too old goes, first as a dry run, each with its record; and a clock that is not sure makes nothing old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from device import clock, config, erasure, journal, messages, retention
from device.people import Directory, Person
from tests.device import parts
from tests.device.test_consenting import WORDS
from tests.device.test_desk import chain
from tests.device.test_people import AGREED, EMBEDDER, vector

DAY_S = 86_400.0
CY = "p-" + "ee" * 16
PERIODS = config.Retention(templates_days=30, unrenewed_days=10, left_days=20)


@dataclass
class Kiosk:
    """Ada punches, Bob does not; both have templates. Cy never had one."""

    keeping: retention.Retention
    directory: Directory
    journal: journal.Journal
    clock: parts.Clock
    renewed: list[str]

    def purge(self, days: float, *, dry_run: bool = False) -> list[tuple[str, str]]:
        self.clock.seconds = days * DAY_S
        return [(item.kind, item.person) for item in self.keeping.purge("cli:hr", dry_run=dry_run).items]

    def holders(self) -> set[str]:
        return {person.person for person in self.directory.list() if person.templates}


@pytest.fixture
def kiosk(tmp_path: Path, opened: journal.Journal) -> Iterator[Kiosk]:
    directory = Directory(tmp_path / "people.db", bytes(range(32)))
    for person, number in ((parts.ADA, "1"), (parts.BOB, "2"), (CY, "3")):
        directory.add(Person(person, number, f"Name {number}", "en"), parts.START)
    for person in (parts.ADA, parts.BOB):
        directory.agree(person, AGREED, parts.START)
        directory.add_template(person, EMBEDDER, "photograph", vector(1), parts.START)
    opened.append(parts.punch(parts.ADA), parts.moment(20 * DAY_S))
    ticking, renewed = parts.Clock(), list[str]()
    eraser = erasure.Eraser(opened, directory, ticking, tmp_path, renewed.append)
    keeping = retention.Retention(opened, directory, eraser, ticking, renewed.append, lambda: PERIODS)
    yield Kiosk(keeping, directory, opened, ticking, renewed)
    directory.close()


def test_templates_go_after_a_time_without_a_punch_and_the_purge_is_recorded(kiosk: Kiosk) -> None:
    assert kiosk.purge(29) == []
    looked = kiosk.purge(31, dry_run=True)
    (found,) = kiosk.keeping.purge("cli:hr", dry_run=True).items
    assert (found.number, found.name) == ("2", "Name 2"), "so that whoever decides sees whom it is about"
    assert kiosk.purge(31) == looked == [("template", parts.BOB)]
    assert kiosk.holders() == {parts.ADA}
    assert chain(kiosk.journal)[-1] == messages.Audit("templates_purged", "cli:hr", parts.BOB)
    assert kiosk.renewed == [parts.BOB]
    assert kiosk.purge(49) == []
    assert kiosk.purge(51) == [("template", parts.ADA)]
    assert kiosk.directory.get(parts.ADA).has_consent, "a template made anew needs no new question"


def test_a_dry_run_names_the_same_and_destroys_nothing(kiosk: Kiosk) -> None:
    before = kiosk.journal.head()
    assert kiosk.purge(100, dry_run=True) == [("template", parts.ADA), ("template", parts.BOB)]
    assert kiosk.holders() == {parts.ADA, parts.BOB}
    assert kiosk.journal.head() == before


def test_with_an_unsure_clock_nothing_is_old(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    unsure = replace(parts.moment(1_000 * DAY_S), quality=clock.Quality.UNSYNCED)
    monkeypatch.setattr(kiosk.clock, "now", lambda: unsure)
    done = kiosk.keeping.purge("cli:hr", dry_run=False)
    assert (done.applied, done.items) == (False, ())
    assert "not sure" in done.why_not
    assert kiosk.holders() == {parts.ADA, parts.BOB}


def test_templates_under_a_text_that_was_not_agreed_to_again_go(kiosk: Kiosk) -> None:
    published = parts.moment(15 * DAY_S).at
    kiosk.directory.consents.publish(AGREED.purpose, "2", WORDS, "hr", published, asks_again=True)
    kiosk.directory.agree(parts.ADA, replace(AGREED, text_version="2"), published)
    assert kiosk.purge(24) == []
    assert kiosk.purge(26) == [("unrenewed", parts.BOB)]
    assert kiosk.holders() == {parts.ADA}
    assert chain(kiosk.journal)[-1] == messages.Audit("unrenewed_templates_purged", "cli:hr", parts.BOB)


def test_whoever_has_left_is_erased_in_time(kiosk: Kiosk) -> None:
    with kiosk.directory.database.transaction() as connection:
        ended = messages.write_time(parts.START + timedelta(days=2))
        connection.execute("UPDATE person SET expires_at = ? WHERE person = ?", (ended, CY))
    assert kiosk.purge(21) == []
    assert kiosk.purge(23) == [("left", CY)]
    assert {person.person for person in kiosk.directory.list()} == {parts.ADA, parts.BOB}
    record = chain(kiosk.journal)[-1]
    assert isinstance(record, messages.Erasure)
    assert (record.person, record.reason) == (CY, "retention")


def test_zero_days_keep_for_ever(kiosk: Kiosk, tmp_path: Path) -> None:
    for_ever = config.Retention(templates_days=0, unrenewed_days=0, left_days=0)
    eraser = erasure.Eraser(kiosk.journal, kiosk.directory, kiosk.clock, tmp_path)
    keeping = retention.Retention(kiosk.journal, kiosk.directory, eraser, kiosk.clock, kiosk.renewed.append, lambda: for_ever)
    kiosk.clock.seconds = 10_000 * DAY_S
    assert keeping.purge("cli:hr", dry_run=False).items == ()


def test_audit_records_may_stay_longer_than_the_others(opened: journal.Journal) -> None:
    bodies: list[messages.Body] = [parts.punch(), messages.Audit("person_added", "hr"), parts.punch(), parts.punch(), parts.punch()]
    for day, body in enumerate(bodies):
        opened.append(body, parts.moment(day * DAY_S))
    head = opened.head()
    opened.acknowledge(parts.Server().acknowledgement(head.epoch, head.seq, head.hash), parts.Server().key.public_key(), "")
    old, older = parts.moment(100 * DAY_S).at, parts.moment(0.5 * DAY_S).at
    assert opened.prune(old, 2**40, older) == 2
    assert opened.head().kept_from == 3, "the audit record, and with it all that came after"
    assert opened.prune(old, 2**40, old) > 0


def test_a_journal_that_began_anew_makes_no_template_old(kiosk: Kiosk, tmp_path: Path) -> None:
    """What it cannot tell is no sign that somebody has not come for a year."""
    assert kiosk.purge(29) == []
    kiosk.journal.append(parts.punch(parts.BOB), parts.moment(49 * DAY_S))
    (tmp_path / "new").mkdir()
    anew = parts.open_journal(tmp_path / "new")
    kiosk.keeping._journal = anew
    kiosk.keeping._eraser._journal = anew
    assert kiosk.purge(50) == []
    assert kiosk.purge(79) == []
    assert kiosk.purge(81) == [("template", parts.ADA), ("template", parts.BOB)]
    anew.close()


def test_by_itself_little_goes_at_once_and_by_a_persons_word_everything(kiosk: Kiosk) -> None:
    for number in range(8):
        person = f"p-{number:032x}"
        kiosk.directory.add(Person(person, f"1{number}", "Name", "en"), parts.START)
        kiosk.directory.agree(person, AGREED, parts.START)
        kiosk.directory.add_template(person, EMBEDDER, "photograph", vector(1), parts.START)
    kiosk.clock.seconds = 700 * DAY_S
    assert len(kiosk.keeping.purge(retention.BY, dry_run=False).items) == retention.LEAST_AT_ONCE
    assert len(kiosk.keeping.purge("cli:hr", dry_run=False).items) == 10 - retention.LEAST_AT_ONCE
