"""Erasure: nothing of a person stays in any file, a signed record says so, and nothing brings them back."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

import pytest

from device import api, database, erasure, journal, leftovers, line, messages
from device.consent import Purpose
from device.people import Directory, Entry, PeopleError, Person, PersonErased, PersonUnknown
from device.people.graves import TABLES, Graves, Traces
from device.personnel import Personnel
from tests.device import parts
from tests.device.test_desk import chain
from tests.device.test_people import AGREED, EMBEDDER, vector

BY = "cli:hr"
NAME, NUMBER = "Adaeze Okonkwo-Wēi 王", "77001234"


@dataclass
class Kiosk:
    """The state folder of one kiosk, with its databases open."""

    folder: Path
    directory: Directory
    journal: journal.Journal
    eraser: erasure.Eraser
    forgotten: list[str]

    def everything(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())


def full(directory: Directory, person: str, number: str, name: str) -> None:
    """A person with everything that there can be about one."""
    directory.add(Person(person, number, name, "en", group="ops"), parts.START)
    directory.agree(person, AGREED, parts.START)
    for seed in range(3):
        directory.add_template(person, EMBEDDER, "photograph", vector(int(number) + seed), parts.START)
    directory.agree(person, replace(AGREED, purpose=Purpose.FACE_CARD), parts.START)
    directory.issue_card(person, EMBEDDER, vector(9), parts.START, parts.START)
    kept = directory.credentials
    kept.set_pin(person, number, "482913", parts.START, must_change=False)
    kept.add_code(person, "badge", f"badge {number}", parts.START)
    kept.new_static_code(person, parts.START)
    kept.new_phone(person, parts.START)
    kept.check_pin(number, "999998", parts.moment())


@pytest.fixture
def kiosk(tmp_path: Path, opened: journal.Journal) -> Iterator[Kiosk]:
    """Ada among forty others, who punched once and looks like Bob."""
    directory = Directory(tmp_path / "people.db", bytes(range(32)))
    full(directory, parts.ADA, NUMBER, NAME)
    full(directory, parts.BOB, "77005678", "Bartholomew Smith")
    directory.likeness.mark(parts.ADA, parts.BOB)
    for number in range(40):
        directory.add(Person(f"p-{number:032x}", f"{number}", f"Somebody Else {number}", "en"), parts.START)
    opened.append(parts.punch(parts.ADA), parts.moment())
    forgotten: list[str] = []
    eraser = erasure.Eraser(opened, directory, parts.Clock(), tmp_path, forgotten.append)
    yield Kiosk(tmp_path, directory, opened, eraser, forgotten)
    directory.close()


def test_no_byte_of_an_erased_person_is_in_any_file(kiosk: Kiosk) -> None:
    traces = kiosk.directory.graves.traces(parts.ADA).all
    others = kiosk.directory.graves.traces(parts.BOB).all
    assert len(traces) > 20
    assert {NAME.encode(), NUMBER.encode()} <= set(traces)
    before = kiosk.everything()
    assert [trace for trace in traces if trace not in before] == [], "the search itself must be able to find"
    done = kiosk.eraser.erase(NUMBER, "asked", BY)
    after = kiosk.everything()
    assert [trace for trace in traces if trace in after] == []
    assert [trace for trace in others if trace not in after] == []
    assert (done.templates, done.remains, done.traces) == (3, (), len(traces))
    assert done.files >= 3


def test_every_table_that_can_name_a_person_is_emptied_of_them(kiosk: Kiosk) -> None:
    """A table that a later migration adds must be in the list, or be left out on purpose."""
    with kiosk.directory.database.reading() as connection:
        named = {
            table
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if any(column[1] == "person" for column in connection.execute(f"PRAGMA table_info({table})").fetchall())
        }
    assert named - {"look_alike", "tombstone", "erasure_owed", "erasure_trace", "withdrawal_owed"} == set(TABLES)
    kiosk.eraser.erase(NUMBER, "asked", BY)
    with kiosk.directory.database.reading() as connection:
        left = {table for table in named if connection.execute(f"SELECT 1 FROM {table} WHERE person = ?", (parts.ADA,)).fetchone()}
    assert left == {"tombstone"}


def test_the_receipt_is_signed_into_the_chain_and_the_punches_stay_under_the_opaque_id(kiosk: Kiosk) -> None:
    done = kiosk.eraser.erase(NUMBER, "asked", BY)
    receipt = chain(kiosk.journal)[-1]
    assert receipt == messages.Erasure(parts.ADA, messages.ErasureReason.ASKED, BY, 3, done.traces, done.files, 0)
    head = kiosk.journal.verify()
    assert (done.seq, done.hash) == (head.seq, head.hash)
    assert [record.body["person"] for record in kiosk.journal.punches(0, 10)] == [parts.ADA]
    assert kiosk.forgotten == [parts.ADA]


def test_a_copy_of_the_database_in_the_state_folder_is_found_and_named(kiosk: Kiosk) -> None:
    kiosk.directory.database.checkpoint()
    shutil.copy(kiosk.folder / "people.db", kiosk.folder / "people.db.before-update")
    done = kiosk.eraser.erase(NUMBER, "asked", BY)
    assert done.remains == ("people.db.before-update",)
    record = chain(kiosk.journal)[-1]
    assert isinstance(record, messages.Erasure)
    assert record.remains == 1


def test_a_trace_across_two_chunks_is_found(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * (leftovers.CHUNK - 3) + b"trace-of-her" + b"y" * 10)
    assert leftovers.search(tmp_path, Traces((b"trace-of-her", b"other-trace"))) == (1, ("log",))
    assert leftovers.search(tmp_path, Traces((b"trace-of-him",))) == (1, ())
    (tmp_path / "log").write_bytes(b"x" * (leftovers.CHUNK - 3) + b" 77001234," + b"y" * 10)
    assert leftovers.search(tmp_path, Traces(words=(b"77001234",))) == (1, ("log",))


def test_what_another_daemon_keeps_to_itself_is_not_searched_and_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "web.db").write_bytes(b"trace-of-her")
    (tmp_path / "log").write_bytes(b"nothing")
    really = io.open

    def refused(path: str, *given: object, **named: object) -> object:
        if str(path).endswith("web.db"):
            raise PermissionError(13, "Permission denied")
        return really(path, *given, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(io, "open", refused)  # what Path.open calls; root may read everything, so no mode would refuse it
    assert leftovers.search(tmp_path, Traces((b"trace-of-her",))) == (1, ())


def test_a_late_roster_brings_nobody_back_and_neither_does_a_hand(kiosk: Kiosk) -> None:
    kiosk.eraser.erase(NUMBER, "asked", BY)
    office = Personnel(kiosk.journal, kiosk.directory, parts.Clock(), UTC)
    (refused,) = office.apply_roster([Entry(NUMBER, NAME, person=parts.ADA)], "server", complete=False).steps
    assert "nothing brings them back" in refused.why
    with pytest.raises(PersonErased):
        kiosk.directory.add(Person(parts.ADA, "4711", "Ada", "en"), parts.START)
    assert kiosk.directory.get(parts.BOB).number == "77005678"


def test_a_new_employment_under_the_same_number_is_somebody_new(kiosk: Kiosk) -> None:
    kiosk.eraser.erase(NUMBER, "left", BY)
    office = Personnel(kiosk.journal, kiosk.directory, parts.Clock(), UTC)
    assert office.import_list(f"number,name\n{NUMBER},Ada\n", BY, dry_run=False).applied
    assert kiosk.directory.by_number(NUMBER).person != parts.ADA


def test_a_restored_file_brings_nobody_back(kiosk: Kiosk) -> None:
    kiosk.directory.database.checkpoint()
    shutil.copy(kiosk.folder / "people.db", kiosk.folder.parent / "backup.db")
    traces = kiosk.directory.graves.traces(parts.ADA).all
    kiosk.eraser.erase(NUMBER, "asked", BY)
    kiosk.directory.close()
    for name in ("people.db", "people.db-wal", "people.db-shm"):
        (kiosk.folder / name).unlink(missing_ok=True)
    shutil.copy(kiosk.folder.parent / "backup.db", kiosk.folder / "people.db")
    assert kiosk.directory.by_number(NUMBER).person == parts.ADA, "the backup holds her"
    kiosk.eraser.settle()
    with pytest.raises(PersonUnknown):
        kiosk.directory.by_number(NUMBER)
    after = kiosk.everything()
    assert [trace for trace in traces if trace in after] == []
    record = chain(kiosk.journal)[-1]
    assert isinstance(record, messages.Erasure)
    assert record.reason == messages.ErasureReason.CAME_BACK


def test_a_disk_that_takes_no_record_keeps_nobody_and_the_record_follows(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise database.StorageFull("journal.db: the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(kiosk.journal, "append", fails)
        with pytest.raises(database.StorageFull):
            kiosk.eraser.erase(NUMBER, "asked", BY)
    with pytest.raises(PersonUnknown):
        kiosk.directory.by_number(NUMBER)
    assert kiosk.forgotten == [parts.ADA]
    (kiosk.folder / "people.csv").write_text(f"{NUMBER},Okonkwo\n", encoding="utf-8")
    kiosk.eraser.settle()
    kiosk.eraser.settle()
    (record,) = receipts(kiosk)
    assert (record.person, record.files > 3, record.traces > 20, record.remains) == (parts.ADA, True, True, 1)


def receipts(kiosk: Kiosk) -> list[messages.Erasure]:
    return [record for record in chain(kiosk.journal) if isinstance(record, messages.Erasure)]


def test_an_erasure_that_a_disk_broke_off_is_brought_to_its_end_by_whoever_asks_again(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise database.StorageFull("people.db: the disk is full")

    traces = kiosk.directory.graves.traces(parts.ADA).all
    with monkeypatch.context() as patched:
        patched.setattr(Graves, "scrub", fails)
        for _ in range(2):
            with pytest.raises(database.StorageFull):
                kiosk.eraser.erase_if_here(parts.ADA, "tombstone", "hr")
    assert kiosk.eraser.erase_if_here(parts.ADA, "tombstone", "hr")
    after = kiosk.everything()
    assert [trace for trace in traces if trace in after] == []
    assert [(one.person, one.traces, one.remains) for one in receipts(kiosk)] == [(parts.ADA, len(traces), 0)]
    assert not kiosk.eraser.erase_if_here(parts.ADA, "tombstone", "hr")
    assert kiosk.directory.graves.owed() == ()


def test_what_an_owed_erasure_is_searched_for_lies_sealed_and_then_nowhere(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise database.StorageFull("journal.db: the disk is full")

    traces = kiosk.directory.graves.traces(parts.ADA).all
    with monkeypatch.context() as patched:
        patched.setattr(kiosk.journal, "append", fails)
        with pytest.raises(database.StorageFull):
            kiosk.eraser.erase(NUMBER, "asked", BY)
    meanwhile = kiosk.everything()
    assert [trace for trace in traces if trace in meanwhile] == []
    with kiosk.directory.database.reading() as connection:
        ((sealed,),) = connection.execute("SELECT sealed FROM erasure_trace").fetchall()
    assert sealed[:24] in meanwhile
    kiosk.eraser.settle()
    assert sealed[:24] not in kiosk.everything()


def test_an_erasure_that_an_earlier_version_owed_gets_its_record_without_a_search(kiosk: Kiosk) -> None:
    with kiosk.directory.database.transaction() as connection:
        connection.execute("INSERT INTO erasure_owed VALUES (?, 'asked', 'hr', 2)", ("p-" + "ee" * 16,))
    kiosk.eraser.settle()
    assert [(one.templates, one.traces, one.files) for one in receipts(kiosk)] == [(2, 0, 0)]


def test_what_holds_no_word_is_not_matched_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a pattern is matched no other thread runs, and backups are large."""
    matched: list[bytes] = []

    def noted(word: bytes, _: bytes) -> bool:
        matched.append(word)
        return False

    monkeypatch.setattr(leftovers, "_stands_alone", noted)
    (tmp_path / "backup").write_bytes(b"nothing of hers\n" * 1_000)
    (tmp_path / "list").write_bytes(b"177001234")
    assert leftovers.search(tmp_path, Traces(words=(b"77001234", b"Okonkwo"))) == (2, ())
    assert matched == [b"77001234"]


CAROL, DAVE = "p-" + "cc" * 16, "p-" + "dd" * 16


def test_what_is_somebody_elses_or_a_time_in_a_record_is_no_remainder(kiosk: Kiosk) -> None:
    at = parts.moment(4_711)
    kiosk.journal.append(parts.punch(parts.BOB), replace(at, monotonic_us=9_770_099_881))
    kiosk.directory.add(Person(CAROL, "700998", "Anna Schmidt", "en"), parts.START)
    kiosk.directory.add(Person(DAVE, "81", "Peter Schmidt", "en"), parts.START)
    kiosk.directory.add(Person("p-" + "aa" * 16, "82", "Anna Schmidt", "en"), parts.START)
    assert b"700998" in (kiosk.folder / "journal.db-wal").read_bytes()
    assert kiosk.eraser.erase("700998", "asked", BY).remains == ()


def test_a_copy_of_the_database_is_found_by_the_row_alone_where_a_namesake_works_here(kiosk: Kiosk) -> None:
    kiosk.directory.add(Person(CAROL, "71", "Anna Schmidt", "en"), parts.START)
    kiosk.directory.add(Person(DAVE, "72", "Anna Schmidt", "en"), parts.START)
    kiosk.directory.database.checkpoint()
    shutil.copy(kiosk.folder / "people.db", kiosk.folder / "people.db.before-update")
    assert kiosk.eraser.erase("71", "asked", BY).remains == ("people.db.before-update",)


@pytest.mark.parametrize(
    ("text", "is_theirs"),
    [
        (NAME, True),
        ("Okonkwo-Wēi, A.", True),
        (f"number;name\n{NUMBER};A.", True),
        (f"at 1{NUMBER}9", False),
        ("Adaezes", False),
        ("Bartholomew", False),
    ],
)
def test_a_list_of_people_is_found_by_name_number_or_part_of_a_name_that_stand_alone(
    kiosk: Kiosk, text: str, is_theirs: bool
) -> None:
    (kiosk.folder / "people.csv").write_text(text, encoding="utf-8")
    assert bool(kiosk.eraser.erase(NUMBER, "asked", BY).remains) is is_theirs


def test_a_wrong_reason_or_number_erases_nobody(kiosk: Kiosk) -> None:
    with pytest.raises(PeopleError, match="a reason is one of"):
        kiosk.eraser.erase(NUMBER, "because", BY)
    with pytest.raises(PersonUnknown):
        kiosk.eraser.erase("4711", "asked", BY)
    assert kiosk.directory.by_number(NUMBER).templates == 3


def test_whoever_was_erased_is_named_on_the_board_no_more() -> None:
    board = line.Board()
    for person, name in ((parts.ADA, "Ada"), (parts.BOB, "Bob")):
        board.put(api.Decision(0, "", "punched", "", person, name, "in", 3, 60, 2, "aa"))
    board.forget(parts.ADA)
    assert [shown.name for shown in board.after(0, 0)] == ["", "Bob"]
