"""Lists of employees: taken over whole or not at all, from a file or from the server, and never more than they may bring."""

from __future__ import annotations

import string
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import api, config, database, journal, messages, people, policy
from device.kiosk import running
from device.people import Directory, Entry, ImportRefused, PeopleError, Verdict, credentials, planning, roster, table
from device.personnel import Personnel
from tests.device import parts
from tests.device.test_desk import chain

BY = "cli:hr"
SHANGHAI = ZoneInfo("Asia/Shanghai")
LIST = """number,name,language,group,expires,pin,badge,qr,supervisor
1001,王芳,zh-CN,ops,,482913,0004512345,,
1002,"Lee, Ann",en,ops,2026-12-31,,ABC12345 XYZ99999,,yes
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    found = Directory(tmp_path / "people.db", bytes(range(32)))
    yield found
    found.close()


@pytest.fixture
def office(opened: journal.Journal, directory: Directory) -> Personnel:
    return Personnel(opened, directory, parts.Clock(), SHANGHAI)


def acts(report: api.ListReport) -> list[str]:
    return [step.act for step in report.steps]


def entry(number: str, person: str, **rest: object) -> Entry:
    return replace(Entry(number, f"Name {number}", person=person), **rest)  # type: ignore[arg-type]


def test_a_list_brings_everybody_with_all_that_it_says(office: Personnel, directory: Directory) -> None:
    report = office.import_list(LIST, BY, dry_run=False)
    assert (report.applied, acts(report)) == (True, ["add", "add"])
    wang, ann = directory.list()
    assert (wang.number, wang.name, wang.group, wang.has_pin, wang.badges, wang.has_consent) == (
        "1001", "王芳", "ops", True, 1, False,
    )  # fmt: skip
    assert (ann.name, ann.language, ann.supervisor, ann.badges) == ("Lee, Ann", "en", True, 2)
    assert ann.expires_at == datetime(2026, 12, 31, 16, tzinfo=UTC), "the last day counts to its end, where the kiosk is"
    assert directory.credentials.whose("badge", "XYZ99999") == ann.person
    assert directory.credentials.check_pin("1001", "482913", parts.moment()).verdict is Verdict.MUST_CHANGE


def test_the_records_of_a_list_hold_opaque_ids_and_nothing_of_the_list(office: Personnel, opened: journal.Journal) -> None:
    office.import_list(LIST, BY, dry_run=False)
    audit, *announced = chain(opened)[1:]
    assert audit == messages.Audit("list_imported", BY)
    assert len(announced) == 2
    stretch = opened.stretch(0)
    assert stretch is not None
    text = b"".join(stretch.texts)
    for word in ("王芳", "Ann", "1001", "0004512345", "482913"):
        assert word.encode() not in text


def test_a_dry_run_says_the_same_and_changes_nothing(office: Personnel, directory: Directory, opened: journal.Journal) -> None:
    before = opened.head()
    report = office.import_list(LIST, BY, dry_run=True)
    assert (report.applied, acts(report)) == (False, ["add", "add"])
    assert (directory.list(), opened.head()) == ((), before)


BAD_LINES = [
    ("9,", "more or fewer"),
    (",Cy,,,,,,,", "employee number"),
    ("9,,,,,,,,", "a name"),
    ("9,Cy,fr,,,,,,", "language"),
    ("9,Cy,,,31.12.2026,,,,", "expires"),
    ("9,Cy,,,2026-12-31T18:00,,,,", "zone"),
    ("9,Cy,,,,12345,,,", "6 to 12 digits"),
    ("9,Cy,,,,123456,,,", "in a row"),
    ("9,Cy,,,,,abc,,", "badge"),
    ("9,Cy,,,,,,,maybe", "supervisor"),
    ("1001,Again,,,,,,,", "line 2"),
    ("9,Cy,,,,,0004512345,,", "line 2"),
    ("9,C\u0007y,,,,,,,", "control"),
    (f"9,{'x' * 65},,,,,,,", "a name"),
]


@pytest.mark.parametrize(("line", "why"), BAD_LINES)
def test_one_line_that_is_refused_and_nothing_is_imported(
    office: Personnel, directory: Directory, opened: journal.Journal, line: str, why: str
) -> None:
    before = opened.head()
    report = office.import_list(LIST + line + "\n", BY, dry_run=False)
    assert (report.applied, directory.list(), opened.head()) == (False, (), before)
    (refused,) = [step for step in report.steps if step.act == "refuse"]
    assert why in refused.why
    assert (refused.line, refused.number) == (4, line.split(",")[0])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "first line"),
        ("name\nCy\n", "first line"),
        ("number,name,salary\n1,Cy,9\n", "here: number,name,salary"),
        ("number,name\n", "nobody in it"),
        ("number,name,name\n1,Cy,Di\n", "first line"),
        ("number,name,consent\n1,Cy,yes\n", "own act"),
        ('number,name\n1,"Cy\n', "no CSV"),
        ("number,name\n" + "1,Cy\n" * (table.MOST_ROWS + 1), "split it"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused_with_the_reason(office: Personnel, text: str, why: str) -> None:
    with pytest.raises(ImportRefused, match=why):
        office.import_list(text, BY, dry_run=False)


@pytest.mark.parametrize(
    "text",
    [
        "工号;姓名;组别;最后一天\n1001;王芳;ops;2028/2/29\n",
        "\ufeff工號\t姓名\t部門\t最後一天\r\n1001\t王芳\tops\t2028-02-29\r\n",
        "Employee number,Name,Group,Last day\n1001,王芳,ops,2028.2.29\n",
    ],
)
def test_a_list_may_come_as_spreadsheets_write_it_in_three_languages(office: Personnel, directory: Directory, text: str) -> None:
    assert acts(office.import_list(text, BY, dry_run=False)) == ["add"]
    fang = directory.by_number("1001")
    assert (fang.name, fang.group, fang.expires_at) == ("王芳", "ops", datetime(2028, 2, 29, 16, tzinfo=UTC))


def test_a_number_that_a_spreadsheet_has_shortened_is_no_number(office: Personnel) -> None:
    (refused,) = office.import_list("number,name\n1.00E+12,Cy\n", BY, dry_run=True).steps
    assert "shortened" in refused.why


def test_the_same_list_again_changes_nothing_and_undoes_no_change_of_pin(
    office: Personnel, directory: Directory, opened: journal.Journal
) -> None:
    office.import_list(LIST, BY, dry_run=False)
    directory.credentials.change_pin("1001", "482913", "730518", parts.moment())
    before = opened.head()
    report = office.import_list(LIST, BY, dry_run=False)
    assert acts(report) == ["same", "same"]
    assert opened.head() == before
    assert directory.credentials.check_pin("1001", "730518", parts.moment()).verdict is Verdict.RIGHT


def test_a_failing_disk_leaves_the_directory_as_it_was(
    office: Personnel, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise database.StorageFull("people.db: the disk is full")

    monkeypatch.setattr(directory.credentials, "keep_code", fails)
    with pytest.raises(database.StorageFull):
        office.import_list(LIST, BY, dry_run=False)
    assert directory.list() == ()


CELL = st.text(st.sampled_from(string.printable + "王'\";-\ufeff\x00"), max_size=12)


@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=9), max_size=4), header=st.sampled_from([LIST.splitlines()[0], "number,name"])
)
def test_no_file_at_all_breaks_the_import(rows: list[list[str]], header: str) -> None:
    text = "\n".join([header, *(",".join(row) for row in rows)])
    try:
        lines = table.read_csv(text, SHANGHAI)
    except ImportRefused:
        return
    steps = planning.plan(lines, (), frozenset(), lambda kind, code: code.encode("utf-8", "replace"), parts.START)
    assert all(step.act is people.Act.REFUSE or step.entry is not None for step in steps)


def test_a_roster_uses_the_servers_ids_and_its_hashes(office: Personnel, directory: Directory) -> None:
    pin_hash = credentials.HASHER.hash("482913")
    page = [entry("1001", parts.ADA, pin_hash=pin_hash, badges=("0004512345",)), entry("1002", parts.BOB)]
    assert acts(office.apply_roster(page, "server", complete=True)) == ["add", "add"]
    assert [person.person for person in directory.list()] == [parts.ADA, parts.BOB]
    assert {person.origin for person in directory.list()} == {"roster"}
    assert directory.credentials.check_pin("1001", "482913", parts.moment()) == credentials.Checked(Verdict.MUST_CHANGE, parts.ADA)
    assert acts(office.apply_roster(page, "server", complete=True)) == ["same", "same"]


def test_whoever_a_complete_roster_no_longer_has_clocks_in_no_more(office: Personnel, directory: Directory) -> None:
    office.import_list("number,name\n7,By Hand\n", BY, dry_run=False)
    office.apply_roster([entry("1001", parts.ADA), entry("1002", parts.BOB)], "server", complete=True)
    report = office.apply_roster([entry("1001", parts.ADA)], "server", complete=True)
    assert acts(report) == ["same", "end"]
    assert {person.number: person.expires_at for person in directory.list()} == {"1001": None, "1002": parts.START, "7": None}
    office.apply_roster([entry("1002", parts.BOB)], "server", complete=False)
    assert directory.get(parts.BOB).expires_at is None, "the server knows them again"


def test_whoever_leaves_before_their_last_day_clocks_in_no_more_and_an_earlier_last_day_stays(
    office: Personnel, directory: Directory
) -> None:
    later, before = parts.START + timedelta(days=300), parts.START - timedelta(days=3)
    people = [entry("1002", parts.BOB, expires_at=later), entry("1003", "p-" + "ee" * 16, expires_at=before)]
    office.apply_roster([entry("1001", parts.ADA), *people], "server", complete=True)
    assert acts(office.apply_roster([entry("1001", parts.ADA)], "server", complete=True)) == ["same", "end"]
    assert {one.number: one.expires_at for one in directory.list()} == {"1001": None, "1002": parts.START, "1003": before}
    assert acts(office.apply_roster([entry("1001", parts.ADA)], "server", complete=True)) == ["same"]


def test_a_bad_line_of_a_roster_stops_nobody_else(office: Personnel, directory: Directory) -> None:
    page = [entry("1", parts.ADA, pin_hash="plain"), entry("2", parts.BOB), Entry("3", "No id"), entry("2", "p-" + "ee" * 16)]
    report = office.apply_roster(page, "server", complete=False)
    assert acts(report) == ["refuse", "add", "refuse", "refuse"]
    assert [person.number for person in directory.list()] == ["2"]


def test_a_roster_cannot_take_a_number_away_from_somebody(office: Personnel, directory: Directory) -> None:
    office.import_list("number,name\n1001,By Hand\n", BY, dry_run=False)
    (refused,) = office.apply_roster([entry("1001", parts.ADA)], "server", complete=False).steps
    assert "belongs to p-" in refused.why
    assert directory.by_number("1001").name == "By Hand"


def test_a_person_is_changed_field_by_field(office: Personnel, directory: Directory) -> None:
    office.import_list(LIST, BY, dry_run=False)
    office.change_person("1002", "", "", "", "-", "no", BY)
    ann = directory.by_number("1002")
    assert (ann.name, ann.group, ann.expires_at, ann.supervisor, ann.badges) == ("Lee, Ann", "ops", None, False, 2)
    office.change_person("1002", "An", "zh-TW", "-", "2026-12-31T18:00+08:00", "", BY)
    ann = directory.by_number("1002")
    assert (ann.name, ann.language, ann.group) == ("An", "zh-TW", "")
    assert ann.expires_at == datetime(2026, 12, 31, 10, tzinfo=UTC)
    office.change_person("1002", "", "", "", "2026-11-30", "", BY)
    assert directory.by_number("1002").expires_at == datetime(2026, 11, 30, 16, tzinfo=UTC), "as in a list"
    with pytest.raises(PeopleError, match="expires is a date"):
        office.change_person("1002", "", "", "", "0001-01-01", "", BY)
    with pytest.raises(PeopleError, match="language"):
        office.change_person("1002", "", "fr", "", "", "", BY)


def test_a_last_day_so_long_ago_that_they_would_be_erased_at_once_is_asked_about(
    opened: journal.Journal, directory: Directory
) -> None:
    time_source = parts.Clock()
    office = Personnel(opened, directory, time_source, SHANGHAI, left_days=90)
    office.import_list(LIST, BY, dry_run=False)
    now = time_source.now().at
    with pytest.raises(PeopleError, match="90 days ago is erased within the hour; check the year"):
        office.change_person("1002", "", "", "", f"{now - timedelta(days=92):%Y-%m-%d}", "", BY)
    office.change_person("1002", "", "", "", f"{now - timedelta(days=80):%Y-%m-%d}", "", BY)
    assert directory.by_number("1002").expires_at is not None


def test_how_long_ago_is_too_long_follows_what_the_enterprise_decides(opened: journal.Journal, directory: Directory) -> None:
    """It is erased by these days from that moment on; nobody waits for a restart of the kiosk."""
    office = Personnel(opened, directory, parts.Clock(), SHANGHAI, left_days=90)
    own = config.parse({})
    inside: Any = SimpleNamespace(personnel=office, config=own, walk=SimpleNamespace())
    governed = policy.Governed(own, messages.Content())
    governed.changed = lambda now: running._govern(inside, now, threading.Event())
    governed.settle(messages.Content(retention=messages.Retention("dpo:wu", {"left": 30})))
    office.import_list(LIST, BY, dry_run=False)
    with pytest.raises(PeopleError, match="30 days ago is erased within the hour"):
        office.change_person("1002", "", "", "", f"{parts.START - timedelta(days=40):%Y-%m-%d}", "", BY)


FOR_EVER = ("9999-12-31", "9999-01-01", "9999-12-31T23:59-08:00", "9999-12-31T00:00+08:00", "9998-12-31T23:59-08:00")


@pytest.mark.parametrize("text", FOR_EVER)
def test_the_year_9999_is_no_end(office: Personnel, directory: Directory, text: str) -> None:
    assert roster.read_expiry(text, SHANGHAI) is None
    office.import_list(LIST, BY, dry_run=False)
    report = office.import_list(f"number,name,expires\n1002,Ann,{text}\n", BY, dry_run=False)
    assert (acts(report), directory.by_number("1002").expires_at) == (["change"], None)
    office.change_person("1002", "", "", "", "2026-11-30", "", BY)
    office.change_person("1002", "", "", "", text, "", BY)
    assert directory.by_number("1002").expires_at is None


@pytest.mark.parametrize("kept", ["9999-12-31T15:59:00.000000Z", "0001-01-01T16:00:00.000000Z"])
def test_a_year_that_was_kept_once_stops_no_other_change(office: Personnel, directory: Directory, kept: str) -> None:
    office.import_list(LIST, BY, dry_run=False)
    with directory.database.transaction() as connection:
        connection.execute("UPDATE person SET expires_at = ? WHERE number = '1002'", (kept,))
    office.change_person("1002", "", "", "gate", "", "", BY)
    assert directory.by_number("1002").group == "gate"
    assert acts(office.import_list("number,name\n1002,Ann\n", BY, dry_run=False)) == ["change"]
    assert (directory.by_number("1002").expires_at is None) == kept.startswith("9999")


def test_a_drawn_pin_is_fit_and_told_once(office: Personnel, opened: journal.Journal) -> None:
    office.import_list("number,name\n1001,Cy\n", BY, dry_run=False)
    made = office.set_pin("1001", "", BY)
    credentials.check_pin_text(made.pin, "1001")
    assert chain(opened)[-1] == messages.Audit("pin_assigned", BY, made.person)
    assert len({office.set_pin("1001", "", BY).pin for _ in range(5)}) == 5


def test_everything_that_is_given_can_be_taken_away(office: Personnel) -> None:
    office.import_list("number,name\n1001,Cy\n", BY, dry_run=False)
    office.set_pin("1001", "", BY)
    office.add_badge("1001", "0004512345", BY)
    office.new_code("1001", BY)
    office.new_phone("1001", BY)
    office.remove_pin("1001", BY)
    office.remove_badges("1001", BY)
    office.remove_codes("1001", BY)
    bare = office.remove_phone("1001", BY)
    assert (bare.has_pin, bare.badges, bare.codes, bare.has_phone) == (False, 0, 0, False)


def changes(report: api.ListReport) -> dict[str, tuple[str, ...]]:
    return {step.number: step.changes for step in report.steps}


def test_a_column_that_a_list_does_not_have_leaves_what_is_known_as_it_is(office: Personnel, directory: Directory) -> None:
    office.import_list(LIST, BY, dry_run=False)
    last_day = directory.by_number("1002").expires_at
    report = office.import_list("number,name\n1002,Ann Lee\n", BY, dry_run=False)
    assert changes(report) == {"1002": ("name",)}
    ann = directory.by_number("1002")
    assert (ann.name, ann.language, ann.group, ann.supervisor) == ("Ann Lee", "en", "ops", True)
    assert ann.expires_at == last_day is not None, "nobody who has left comes back by a list that does not say so"
    office.import_list("number,name,language,group,expires\n1002,Ann Lee,,,\n", BY, dry_run=False)
    ann = directory.by_number("1002")
    assert (ann.group, ann.expires_at, ann.supervisor) == ("", None, True), "an empty field of a column that is there empties"
    assert ann.language == "en", "nobody has no language"


def test_a_dry_run_names_what_would_change_and_whose_names_were_read(office: Personnel) -> None:
    office.import_list(LIST, BY, dry_run=False)
    text = LIST.replace('1002,"Lee, Ann",en,ops,2026-12-31', "1002,Ann,zh-TW,,").replace("482913", "482914").replace("yes", "no")
    report = office.import_list(text, BY, dry_run=True)
    assert changes(report) == {"1001": ("pin",), "1002": ("name", "language", "group", "expires", "supervisor")}
    assert [step.name for step in report.steps] == ["王芳", "Ann"]


def test_a_record_says_what_changed_of_a_person_and_never_a_name(office: Personnel, opened: journal.Journal) -> None:
    office.import_list(LIST, BY, dry_run=False)
    office.change_person("1002", "An", "", "gate; east", "-", "no", BY)
    (told,) = [record for record in chain(opened) if isinstance(record, messages.Audit) and record.action == "person_changed"]
    assert told.before == "group = ops; expires = 2026-12-31T16:00:00.000000Z; supervisor = yes"
    assert told.after == "name; group = gate; east; expires = ; supervisor = no"
    before = opened.head()
    office.change_person("1002", "An", "", "gate; east", "", "no", BY)
    assert opened.head() == before, "what changes nothing is no change"
    office.import_list("number,name,group,pin\n1002,An,hall,482913\n", BY, dry_run=False)
    last = chain(opened)[-1]
    assert isinstance(last, messages.Audit)
    assert (last.before, last.after) == ("group = gate; east", "pin; group = hall")
