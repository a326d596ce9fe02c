"""Working days from the database: two kiosks, the roster's names, corrections, and a kiosk that booted in 1970."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from device import messages
from device.messages import Direction
from enterprise import downlink, leavers, pairing, tables, times
from enterprise.commands import main as commands
from enterprise.outcome import Outcome
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import BOOT_ID, PERSON, START, Kiosk, punch_body


def write(kiosk: Kiosk, body: messages.Body, seconds: float, *, at: datetime | None = None, quality: str = "synced") -> int:
    """A record made `seconds` after the tests' start; `at` is what the wall clock said."""
    stamp = messages.Stamp(at or START + timedelta(seconds=seconds), BOOT_ID, round(seconds * 1e6) + 10**9, quality)
    prev = kiosk.hash_of(kiosk.last).hex()
    kiosk.texts.append(messages.write_record(kiosk.name, kiosk.epoch, kiosk.last + 1, prev, stamp, body).text)
    return kiosk.last


def sent(office: Office, kiosk: Kiosk) -> None:
    office.trust(kiosk)
    assert office.ingester.take(kiosk.name, kiosk.batch(1, kiosk.last)).stored == kiosk.last


def days(address: str, file: Path, *more: str) -> list[dict[str, str]]:
    """Of the first two weeks of the tests' time; what is given `more` counts before that."""
    words = ["show", "days", "--from", "2026-11-22", "--to", "2026-12-05", "--database", address, "--csv", str(file), *more]
    done = CliRunner().invoke(commands.daka_enterprise, words)
    assert done.exit_code == 0, done.exception
    return list(csv.DictReader(file.open(encoding="utf-8-sig")))


def test_in_at_one_kiosk_and_out_at_another_with_a_correction_and_the_rosters_name(
    office: Office, address: str, tmp_path: Path
) -> None:
    gate, yard = Kiosk("gate-a"), Kiosk("gate-b")
    seq = write(gate, punch_body(PERSON), 0)
    write(gate, messages.Void(seq, gate.hash_of(seq).hex(), "the gate was blocked", "web:li"), 600)
    earlier = messages.write_time(START - timedelta(minutes=30))
    write(gate, messages.Correction(PERSON, Direction.IN, earlier, seq, "", "the gate was blocked", "web:li"), 600)
    write(yard, punch_body(PERSON), 9 * 3_600)
    sent(office, gate)
    sent(office, yard)
    person = messages.CODEC.unstructure(messages.RosterPerson(PERSON, "1001", "=王芳", "zh-CN", "assembly"))
    with office.store.transaction() as transaction:
        downlink.wish(transaction, downlink.EVERY, "roster", PERSON, person, "hr:li", START)
        shifts = {"value": '"office 16:45-02:00 groups assembly"'}
        downlink.wish(transaction, downlink.EVERY, "policy", "attend.shifts", shifts, "hr:li", START)
    (day,) = days(address, tmp_path / "days.csv", "--zone", "Asia/Shanghai")
    assert (day["number"], day["name"], day["shift"]) == ("1001", "'=王芳", "office")
    assert (day["came"], day["went"]) == ("2026-11-23T16:30:00+08:00", "2026-11-24T02:00:00+08:00")
    assert (day["worked_minutes"], day["kiosks"], day["marks"]) == ("570", "gate-a gate-b", "corrected inferred")


def test_what_the_office_adds_or_voids_makes_no_other_punch_of_that_day_worse(office: Office, address: str, tmp_path: Path) -> None:
    lunch, face, hour = Kiosk("gate-a"), Kiosk("gate-b"), 3_600
    write(lunch, punch_body(PERSON), 0)
    write(lunch, replace(punch_body(PERSON), direction=Direction.OUT), 5 * hour)
    write(lunch, punch_body(PERSON), 9 * hour)
    noon = messages.write_time(START + timedelta(hours=4))
    write(lunch, messages.Correction(PERSON, Direction.OUT, noon, 0, "", "forgotten", "web:li"), 10 * hour)
    next_day = 24 * hour
    wrong = write(face, punch_body(PERSON), next_day)
    write(face, replace(punch_body(PERSON), direction=Direction.OUT), next_day + 600)
    write(face, punch_body(PERSON), next_day + 600 + 9 * hour)
    write(face, messages.Void(wrong, face.hash_of(wrong).hex(), "the wrong face", "web:li"), next_day + 10 * hour)
    sent(office, lunch)
    sent(office, face)
    found = [(day["worked_minutes"], day["kiosks"], day["marks"]) for day in days(address, tmp_path / "days.csv")]
    assert found == [("480", "gate-a", "corrected inferred"), ("540", "gate-b", "inferred")]


def test_a_disputed_punch_that_the_office_gives_to_somebody_else_is_not_disputed_on_their_day(
    office: Office, address: str, tmp_path: Path
) -> None:
    kiosk, other = Kiosk("gate-a"), "p-" + "cd" * 16
    seq = write(kiosk, punch_body(PERSON), 0)
    write(kiosk, messages.Dispute(seq, kiosk.hash_of(seq).hex(), "not me", "kiosk"), 4)
    write(kiosk, messages.Void(seq, kiosk.hash_of(seq).hex(), "was another", "web:li"), 600)
    write(kiosk, messages.Correction(other, Direction.IN, "", seq, "", "was another", "web:li"), 600)
    sent(office, kiosk)
    assert [(day["person"], day["marks"]) for day in days(address, tmp_path / "days.csv")] == [(other, "corrected no_out")]


def test_a_break_that_was_punched_is_taken_off_in_place_of_the_planned_one(office: Office, address: str, tmp_path: Path) -> None:
    gate, yard = Kiosk("gate-a"), Kiosk("gate-b")
    out, back = (replace(punch_body(PERSON), direction=way.door, pause=way.pause) for way in (Direction.BREAK, Direction.BACK))
    write(gate, punch_body(PERSON), 0)
    write(gate, out, 3 * 3_600)
    write(yard, back, 3 * 3_600 + 20 * 60)
    write(gate, replace(punch_body(PERSON), direction=Direction.OUT), 9 * 3_600)
    sent(office, gate)
    sent(office, yard)
    (day,) = days(address, tmp_path / "days.csv", "--shifts", "office 09:00-18:00 break 12:30-13:30")
    assert (day["break_minutes"], day["worked_minutes"], day["kiosks"], day["marks"]) == ("20", "520", "gate-a", "")
    assert office.rows("SELECT direction, pause FROM punch ORDER BY at") == [("in", 0), ("out", 1), ("in", 1), ("out", 0)]
    shown = CliRunner().invoke(commands.daka_enterprise, ["show", "punches", "--database", address], env={"COLUMNS": "300"})
    assert {"break", "back"} <= set(shown.output.replace("│", " ").split())


def test_every_time_is_right_to_a_second_though_the_kiosk_booted_in_1970(office: Office, address: str, tmp_path: Path) -> None:
    kiosk = Kiosk("gate-a")
    kiosk.texts.clear()
    wall = datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC)
    write(kiosk, messages.Genesis("first_start", "test", kiosk.public_key), 0, at=wall, quality="unsynced")
    write(kiosk, punch_body(PERSON), 60, at=wall + timedelta(seconds=60), quality="unsynced")
    anchor = messages.TimeBody(BOOT_ID, 10**9 + 120_000_000, START + timedelta(seconds=120), messages.Source.SERVER, 20_000, wall)
    write(kiosk, anchor, 121)
    write(kiosk, replace(punch_body(PERSON), direction=Direction.OUT), 8 * 3_600)
    sent(office, kiosk)
    (day,) = days(address, tmp_path / "days.csv")
    assert (day["came"], day["went"], day["marks"]) == ("2026-11-23T09:01:00+00:00", "2026-11-23T17:00:00+00:00", "")


def test_a_night_has_the_same_hours_whichever_day_is_asked_for_first(office: Office, address: str, tmp_path: Path) -> None:
    """Gate B saw nobody come, so its own proposal is in: whether that is a going hangs on what was before."""
    gate, yard, hour = Kiosk("gate-a"), Kiosk("gate-b"), 3_600
    for night in range(10):
        write(gate, punch_body(PERSON), (13 + 24 * night) * hour)
        write(yard, punch_body(PERSON), (21 + 24 * night) * hour)
    sent(office, gate)
    sent(office, yard)
    late = ("2026-11-30", "2026-12-01")
    whole = [day for day in days(address, tmp_path / "whole.csv") if day["day"] in late]
    assert [day["worked_minutes"] for day in whole] == ["480", "480"]
    assert days(address, tmp_path / "part.csv", "--from", late[0], "--to", late[1]) == whole


def test_no_more_than_one_persons_punches_are_held_at_a_time_and_a_correction_may_give_one_to_somebody_else(
    office: Office, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk, other, held = Kiosk("gate-a"), "p-" + "cd" * 16, []
    seq = write(kiosk, punch_body(PERSON), 0)
    write(kiosk, punch_body(PERSON), 60)
    write(kiosk, messages.Void(seq, kiosk.hash_of(seq).hex(), "the wrong face", "web:li"), 600)
    write(kiosk, messages.Correction(other, Direction.IN, "", seq, "", "the wrong face", "web:li"), 600)
    sent(office, kiosk)
    pair = pairing.stays

    def noted(punches: list[messages.Counted], *more: Any) -> list[pairing.Stay]:
        held.append({punch.person for punch in punches})
        return pair(punches, *more)

    monkeypatch.setattr(pairing, "stays", noted)
    found = {day["person"]: (day["came"], day["marks"]) for day in days(address, tmp_path / "days.csv")}
    assert found[PERSON] == ("2026-11-23T09:01:00+00:00", "no_out")
    assert found[other] == ("2026-11-23T09:00:00+00:00", "corrected no_out")
    assert [people for people in held if people] == [{PERSON}, {other}]


@pytest.mark.parametrize("device", [downlink.EVERY, "gate-a"])
def test_whoever_has_left_or_is_on_one_kiosks_own_roster_keeps_number_and_shift(
    office: Office, address: str, tmp_path: Path, device: str
) -> None:
    kiosk = Kiosk("gate-a")
    write(kiosk, punch_body(PERSON), 0)
    write(kiosk, replace(punch_body(PERSON), direction=Direction.OUT), 8 * 3_600)
    sent(office, kiosk)
    person = messages.RosterPerson(PERSON, "1001", "Ann", "en", "guard")
    with office.store.transaction() as transaction:
        downlink.wish(transaction, device, "roster", PERSON, messages.CODEC.unstructure(person), "hr:li", START)
    shifts = ("--shifts", "guard 08:00-17:00 groups guard")
    (here,) = days(address, tmp_path / "here.csv", *shifts)
    assert (here["number"], here["name"], here["shift"], here["late_minutes"]) == ("1001", "Ann", "guard", "60")
    with office.store.transaction() as transaction:
        leavers.leave(transaction, device, [person], START + timedelta(days=2))
    assert days(address, tmp_path / "gone.csv", *shifts) == [here | {"name": ""}]
    with office.store.transaction() as transaction:
        downlink.forget(transaction, PERSON)  # an erasure
    (erased,) = days(address, tmp_path / "erased.csv", *shifts)
    assert (erased["number"], erased["shift"]) == ("", "")


def test_a_zone_that_does_not_exist_is_refused(office: Office, address: str) -> None:
    done = CliRunner().invoke(commands.daka_enterprise, ["show", "days", "--zone", "Mars/Olympus", "--database", address])
    assert "is no time zone" in str(done.exception)


def test_the_table_is_for_people(office: Office, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    kiosk = Kiosk("gate-a")
    write(kiosk, punch_body(PERSON), 0)
    sent(office, kiosk)
    words = ["show", "days", "--from", "2026-11-22", "--to", "2026-11-25", "--database", address]
    monkeypatch.setenv("DAKA_ENTERPRISE_ZONE", "Asia/Taipei")
    shown = CliRunner().invoke(commands.daka_enterprise, words).output
    assert "by the clock of Asia/Taipei" in shown
    assert "no_out" in shown
    assert PERSON in shown


def test_what_was_said_about_punches_can_be_looked_at_and_the_index_finds_it(
    office: Office, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    kiosk = Kiosk("gate-a")
    seq = write(kiosk, punch_body(PERSON), 0)
    write(kiosk, messages.Dispute(seq, kiosk.hash_of(seq).hex(), "not me", "kiosk"), 4)
    write(kiosk, messages.Void(seq, kiosk.hash_of(seq).hex(), "a colleague's badge [/b]", "web:li"), 600)
    sent(office, kiosk)
    shown = CliRunner().invoke(commands.daka_enterprise, ["show", "corrections", "--database", address]).output
    lines = [line for line in shown.splitlines() if "gate-a" in line]
    assert ["void" in lines[0], "a colleague's badge [/b]" in lines[0], "dispute" in lines[1]] == [True] * 3
    if address.startswith("sqlite"):
        query = tables.record.select().where(tables.of_rare_kinds("void"))
        plan = office.rows(f"EXPLAIN QUERY PLAN {query.compile(compile_kwargs={'literal_binds': True})}")
        assert "record_rare" in str(plan)


def test_a_day_is_the_same_whatever_days_are_asked_for_beside_it(office: Office, address: str, tmp_path: Path) -> None:
    gate, hour = Kiosk("gate-a"), 3_600
    for day in range(21):
        begins = day * 24 * hour + (day % 5) * 1_700
        write(gate, punch_body(PERSON), begins)
        write(gate, replace(punch_body(PERSON), direction=Direction.OUT), begins + (7 + day % 3) * hour)
        if day % 4 == 0:
            write(gate, punch_body(PERSON), begins + 11 * hour)
    sent(office, gate)
    more = ("--zone", "Asia/Shanghai", "--shifts", "late 16:00-00:30 break 20:00-20:30; night 22:00-06:00")
    every = days(address, tmp_path / "all.csv", *more, "--from", "2026-11-01", "--to", "2026-12-31")
    for asked in ("2026-11-23", "2026-11-27", "2026-12-05"):
        found = days(address, tmp_path / "one.csv", *more, "--from", asked, "--to", asked)
        assert found == [row for row in every if row["day"] == asked]
        assert found


# ---- times that cannot be

NO_TIME = "2026-02-30T25:61:00.000000Z"
ANCHOR = {"boot_id": BOOT_ID, "monotonic_us": 1, "source": "server", "uncertainty_us": 1, "utc": NO_TIME, "wall": NO_TIME}
FIXED = {
    "replaces": 0, "hash": "", "person": PERSON, "direction": "in", "site": "", "punched_at": NO_TIME, "by": "hr", "reason": "x",
}  # fmt: skip
REPORTS = (("show", "punches"), ("show", "times"), ("show", "corrections"), ("show", "days"))


def with_a_wrong_one(office: Office, **changes: Any) -> Outcome:
    """Two kiosks with a punch each; the second has one more record."""
    good, bad = Kiosk("gate-a"), Kiosk("gate-b")
    write(good, punch_body(PERSON), 0)
    sent(office, good)
    write(bad, punch_body("p-" + "cd" * 16), 0)
    bad.write_raw(**changes)
    office.trust(bad)
    return office.ingester.take(bad.name, bad.batch(1, bad.last))


@pytest.mark.parametrize("changes", [{"kind": "correction", "body": FIXED}, {"kind": "time", "body": ANCHOR}])
def test_a_record_with_a_time_that_no_calendar_has_is_parked_and_one_of_before_is_named_and_left_out(
    office: Office, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(times, "check", lambda _: None)
    assert with_a_wrong_one(office, **changes).parked == 0
    monkeypatch.undo()
    for words in REPORTS:
        shown = CliRunner().invoke(commands.daka_enterprise, [*words, "--database", address])
        assert shown.exit_code == 0, shown.exception
    assert f"record 3 of gate-b ({changes['kind']}) is left out" in shown.output
    assert len(days(address, tmp_path / "days.csv")) == 2


@pytest.mark.parametrize("changes", [{"kind": "correction", "body": FIXED}, {"kind": "time", "body": ANCHOR}])
def test_and_a_new_one_is_parked(office: Office, changes: dict[str, Any]) -> None:
    assert with_a_wrong_one(office, **changes).parked == 1


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_a_time_at_the_calendars_end_ends_nobodys_report(office: Office, address: str, tmp_path: Path, at: str, zone: str) -> None:
    assert with_a_wrong_one(office, at=at).parked == 0
    more = ("--from", "0001-01-01", "--to", "9999-12-31", "--zone", zone, "--shifts", "night 22:00-06:00")
    assert [day["kiosks"] for day in days(address, tmp_path / "days.csv", *more)].count("gate-a") == 1
