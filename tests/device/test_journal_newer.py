"""After going back from a newer version: what it wrote is kept and sent, byte for byte, and hinders nothing."""

from __future__ import annotations

import json
import logging
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from device import clock, database, journal, messages
from device.corrections import Corrections
from device.journal import ChainBroken
from device.register import Register, Wanted
from tests.device import parts

ADA_PUNCHES = messages.CODEC.unstructure(parts.punch())
WRITTEN = {
    "a kind": ("novelty", {"note": "hello"}),
    "a way to punch": ("punch", ADA_PUNCHES | {"method": "palm"}),
    "a direction": ("punch", ADA_PUNCHES | {"direction": "through"}),
    "an audit": ("audit", {"action": "somersault", "by": "web: amt"}),
    "a clock": ("time", {"boot_id": parts.BOOT_ID, "monotonic_us": 1, "utc": "2026-11-23T09:00:00.000000Z", "source": "sundial",
                         "uncertainty_us": 5}),
    "a kind of time": ("boot", {"software": "newer"}),
}  # fmt: skip


def write(path: Path, kind: str, body: dict[str, Any], quality: str = "synced", sign: bool = True) -> bytes:
    """A record at the end of a closed journal, as a version to come writes it; its canonical bytes."""
    connection = sqlite3.connect(path)
    epoch, seq, digest = connection.execute("SELECT epoch, r.seq, hash FROM epoch, record r ORDER BY r.seq DESC LIMIT 1").fetchone()
    at = messages.write_time(parts.moment(seq).at)
    plain = {
        "device": parts.DEVICE,
        "epoch": epoch,
        "seq": seq + 1,
        "prev": digest.hex(),
        "kind": kind,
        "at": at,
        "boot_id": parts.BOOT_ID,
        "monotonic_us": seq * 1_000_000,
        "time_quality": quality,
        "body": body,
    }
    text = messages.canonical(plain)
    key = parts.signing_key() if sign else parts.signing_key(2)
    sig = messages.sign(key, messages.Purpose.RECORD, parts.DEVICE, epoch, messages.digest(text))
    with connection:
        connection.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", (seq + 1, kind, at, messages.digest(text), sig, text))
        if kind == "time":
            row = (seq + 1, body["boot_id"], body["monotonic_us"], body["utc"], body["source"], body["uncertainty_us"])
            connection.execute("INSERT INTO anchor VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.close()
    return text


def begun(folder: Path) -> str:
    """A closed journal with three records that nobody was sent; its epoch."""
    opened = parts.open_journal(folder)
    parts.fill(opened, 2, lambda number: parts.punch())
    epoch = opened.head().epoch
    opened.close()
    return epoch


def sent(opened: journal.Journal) -> list[bytes]:
    texts: list[bytes] = []
    while stretch := opened.stretch(len(texts)):
        texts += stretch.texts
    return texts


@pytest.mark.parametrize("what", WRITTEN)
def test_what_a_newer_version_wrote_is_kept_and_sent_byte_for_byte_and_the_chain_goes_on(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    epoch = begun(tmp_path)
    text = write(tmp_path / "journal.db", *WRITTEN[what], quality="radio" if what == "a kind of time" else "synced")
    with caplog.at_level(logging.INFO):
        opened = parts.open_journal(tmp_path)
    assert opened.head().epoch == epoch
    assert not list(tmp_path.glob("*damaged*"))
    assert "1 record of a newer version" in caplog.text
    receipt = opened.append(parts.punch(parts.BOB), parts.moment(60))
    texts = sent(opened)
    assert texts[3] == text
    assert json.loads(texts[4])["prev"] == messages.digest(text).hex()
    assert opened.verify().seq == receipt.seq == 5


@pytest.mark.parametrize("what", WRITTEN)
def test_lists_show_the_rest_and_the_person_punches_on(tmp_path: Path, what: str) -> None:
    begun(tmp_path)
    write(tmp_path / "journal.db", *WRITTEN[what])
    opened = parts.open_journal(tmp_path)
    after = opened.append(parts.punch(parts.BOB), parts.moment(60)).seq
    assert [record.seq for record in opened.punches(0, 1_000)] == [2, 3, after]
    assert [record.seq for record in opened.pick([2, 4, after])] == [2, *([4] if what == "a kind of time" else []), after]
    assert opened.last_punch(parts.ADA) is not None
    opened.append(messages.Void(3, parts.hash_of(opened, 3), "wrong", "web: amt"), parts.moment(61))
    assert opened.times().to_review == 0
    assert after in Register(opened).find(Wanted()).seqs
    assert Corrections(opened, clock.SystemClock(), timedelta).counted()
    parts.acknowledge_all(opened)
    assert opened.prune(parts.moment().at + timedelta(days=900), 2**40) == 4 + (1 if opened.head().kept_from > 5 else 0)


@pytest.mark.parametrize("what", ["a way to punch", "a direction"])
def test_a_forgotten_punch_is_entered_beside_a_newer_versions_punch(tmp_path: Path, what: str) -> None:
    begun(tmp_path)
    write(tmp_path / "journal.db", *WRITTEN[what])
    opened = parts.open_journal(tmp_path)
    desk = Corrections(opened, parts.Clock(3_600), timedelta)
    assert desk.add(parts.ADA, "out", parts.moment(1_800).at, "forgotten", "web: amt").counts == 5


def test_a_punch_in_a_way_to_come_is_the_persons_last_one(tmp_path: Path) -> None:
    begun(tmp_path)
    write(tmp_path / "journal.db", *WRITTEN["a way to punch"])
    found = parts.open_journal(tmp_path).last_punch(parts.ADA)
    assert found is not None
    assert found.seq == 4


def test_the_age_of_the_backlog_is_known_where_its_oldest_record_is_a_newer_versions(tmp_path: Path) -> None:
    begun(tmp_path)
    write(tmp_path / "journal.db", *WRITTEN["a kind"], "radio")
    opened = parts.open_journal(tmp_path)
    server = parts.Server()
    opened.acknowledge(server.acknowledgement(opened.head().epoch, 3, parts.hash_of(opened, 3)), server.key.public_key(), "")
    assert opened.oldest_unacknowledged() is not None


@pytest.mark.parametrize("body", [{"note": "hello"}, "no body"])
def test_a_record_that_is_strange_and_not_signed_by_this_kiosk_is_damage(tmp_path: Path, body: Any) -> None:
    begun(tmp_path)
    write(tmp_path / "journal.db", "novelty", body, sign=False)
    with pytest.raises(ChainBroken):
        journal.open_journal(
            tmp_path / "journal.db", parts.DEVICE, parts.signing_key(), parts.SOFTWARE, parts.moment(), replace_damaged=False
        )


@pytest.mark.parametrize("name", ["people", "journal"])
def test_a_database_of_a_newer_version_opens_and_the_log_says_so(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The automatic way back of an update depends on it: a migration only adds."""
    first = database.Database(tmp_path / f"{name}.db", name)
    with first.transaction() as connection:
        connection.execute("PRAGMA user_version = 99")
    first.close()
    with caplog.at_level(logging.WARNING), database.Database(tmp_path / f"{name}.db", name).reading() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    assert f"{name}.db was last written by a newer version" in caplog.text


# Before any release: a consent without a purpose would have been a guess, so the version before it writes none any more.
HAD_TO = ("people", "0006.sql")


def columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(
        connection.execute("SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'")
    )


@pytest.mark.parametrize("folder", sorted(path.name for path in (parts.REPO / "device" / "migrations").iterdir() if path.is_dir()))
def test_a_migration_takes_nothing_away_that_the_version_before_reads_or_leaves_out_when_it_writes(folder: str) -> None:
    """Else no update could go back by itself."""
    connection = sqlite3.connect(":memory:")
    before: set[tuple[str, str]] = set()
    for script in sorted((parts.REPO / "device" / "migrations" / folder).glob("*.sql")):
        connection.executescript(script.read_text("utf-8"))
        assert before <= columns(connection), script.name
        known = {table for table, _ in before}
        for table, name in columns(connection) - before if (folder, script.name) != HAD_TO else ():
            query = 'SELECT 1 FROM pragma_table_info(?) WHERE name = ? AND "notnull" AND dflt_value IS NULL'
            assert table not in known or not connection.execute(query, (table, name)).fetchone(), f"{script.name}: {table}.{name}"
        before = columns(connection)
