"""The journal: one chain without holes, whoever writes; what leaves it and what the server may move."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import sqlite3
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import clock, database, journal, last_punches, messages
from device.journal import AcknowledgementRefused, WrongKey
from device.messages import Direction, Purpose, SchemaRefused
from tests.device import parts

SERVER = parts.Server()
NONCE = "b" * 32


def records(opened: journal.Journal) -> list[messages.Record]:
    found: list[messages.Record] = []
    while stretch := opened.stretch(len(found)):
        found += [messages.read_record(messages.parse(text)) for text in stretch.texts]
    return found


def test_a_new_journal_begins_with_a_signed_genesis(opened: journal.Journal) -> None:
    (genesis,) = records(opened)
    assert messages.read_body(genesis) == messages.Genesis("first_start", parts.SOFTWARE, opened.public_key)
    assert (genesis.seq, genesis.prev, genesis.device) == (1, messages.GENESIS_PREV, parts.DEVICE)
    assert opened.verify().seq == 1


def test_every_record_names_the_one_before_it(opened: journal.Journal) -> None:
    parts.fill(opened, 20)
    chain = records(opened)
    assert [record.seq for record in chain] == list(range(1, 22))
    assert all(after.prev == before.hash.hex() for before, after in itertools.pairwise(chain))
    assert {record.epoch for record in chain} == {opened.head().epoch}


def test_a_receipt_is_the_record_on_the_disk(opened: journal.Journal) -> None:
    receipt = opened.append(parts.punch(), parts.moment(5))
    last = records(opened)[-1]
    assert (receipt.seq, receipt.hash, receipt.at) == (last.seq, last.hash.hex(), last.stamp.at)
    assert opened.head().hash == receipt.hash


def test_eight_threads_leave_no_hole_and_share_no_number(opened: journal.Journal) -> None:
    seqs: list[int] = []

    def write(worker: int) -> None:
        seqs.extend(opened.append(messages.Boot(f"worker {worker}"), parts.moment(number)).seq for number in range(25))

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(seqs) == list(range(2, 202))
    assert opened.verify().seq == 201


def test_after_reopening_the_chain_goes_on_in_the_same_epoch(tmp_path: Path) -> None:
    first = parts.open_journal(tmp_path)
    parts.fill(first, 3)
    before = first.head()
    first.close()
    second = parts.open_journal(tmp_path)
    assert second.head() == before
    assert second.append(messages.Boot("again"), parts.moment(9)).seq == 5
    assert second.verify().epoch == before.epoch


def test_two_journals_have_two_epochs(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert parts.open_journal(tmp_path / "a").head().epoch != parts.open_journal(tmp_path / "b").head().epoch


def test_a_record_that_the_schema_refuses_leaves_nothing_behind(opened: journal.Journal) -> None:
    before = opened.head()
    with pytest.raises(SchemaRefused):
        opened.append(parts.punch(person="Ada"), parts.moment())
    assert opened.head() == before
    assert opened.last_punch("Ada") is None
    assert opened.append(parts.punch(), parts.moment()).seq == 2


def test_the_last_punch_is_known_however_many_records_follow_it(tmp_path: Path) -> None:
    opened = parts.open_journal(tmp_path)
    first = opened.append(parts.punch(parts.ADA), parts.moment()).seq
    for number in range(2 * last_punches.STEP + 5):
        way = (Direction.OUT, Direction.IN)[number % 2]
        later = opened.append(parts.punch(parts.BOB, way), parts.moment(number + 1)).seq
        ada, bob = opened.last_punch(parts.ADA), opened.last_punch(parts.BOB)
        assert ada is not None
        assert bob is not None
        assert (ada.seq, bob.seq, bob.direction, bob.moment) == (first, later, way, moment_kept(number + 1))
    opened.close()


def moment_kept(seconds: float) -> clock.Moment:
    """What is kept of a punch's moment; whether its clock was right, the timeline says."""
    return dataclasses.replace(parts.moment(seconds), quality=clock.Quality.UNSYNCED)


def test_another_version_finds_every_last_punch_in_the_table_and_what_it_wrote_there_counts(tmp_path: Path) -> None:
    opened = parts.open_journal(tmp_path)
    seq = opened.append(parts.punch(parts.ADA, Direction.OUT), parts.moment()).seq
    opened.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as earlier:
        assert earlier.execute("SELECT seq, direction FROM last_punch").fetchall() == [(seq, "out")]
        # as a version writes that tells the table of each punch, and of an undone one, at once
        earlier.execute("UPDATE last_punch SET seq = seq + 1, direction = 'in'")
        earlier.execute("UPDATE last_punch_upto SET seq = 0")
    again = parts.open_journal(tmp_path)
    ada = again.last_punch(parts.ADA)
    assert ada is not None
    assert (ada.seq, ada.direction) == (seq + 1, Direction.IN)
    again.close()


def test_the_last_punch_is_known_after_its_record_has_gone(tmp_path: Path) -> None:
    opened = parts.open_journal(tmp_path)
    seq = opened.append(parts.punch(parts.ADA, Direction.OUT), parts.moment()).seq
    last = opened.append(parts.BODIES[1], parts.moment(1)).seq
    answer = parts.Server().acknowledgement(opened.head().epoch, last, parts.hash_of(opened, last))
    opened.acknowledge(answer, parts.Server().key.public_key(), "")
    assert opened.prune(parts.START + timedelta(days=365), 2**40) == last - 1
    ada = opened.last_punch(parts.ADA)
    assert ada is not None
    assert (ada.seq, ada.direction) == (seq, Direction.OUT)


def test_the_last_punch_of_each_person_is_remembered_across_restarts(tmp_path: Path) -> None:
    first = parts.open_journal(tmp_path)
    first.append(parts.punch(parts.ADA), parts.moment(1))
    first.append(parts.punch(parts.ADA, messages.Direction.OUT), parts.moment(2))
    first.append(parts.punch(parts.BOB), parts.moment(3))
    first.close()
    second = parts.open_journal(tmp_path)
    ada, bob = second.last_punch(parts.ADA), second.last_punch(parts.BOB)
    assert ada is not None
    assert bob is not None
    assert (ada.seq, ada.direction, ada.moment.at, ada.moment.boot_id, ada.moment.monotonic_us) == (
        3,
        "out",
        parts.moment(2).at,
        parts.BOOT_ID,
        2_000_000,
    )
    assert bob.seq == 4
    assert second.last_punch("p-" + "0" * 32) is None


@pytest.mark.parametrize(("key", "device"), [(parts.signing_key(2), parts.DEVICE), (parts.signing_key(1), "kiosk-2")])
def test_another_key_or_device_is_a_clear_stop_that_touches_nothing(tmp_path: Path, key: Ed25519PrivateKey, device: str) -> None:
    first = parts.open_journal(tmp_path)
    parts.fill(first, 3)
    first.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(WrongKey, match=r"restore keys/journal\.key"):
        parts.open_journal(tmp_path, key, device)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_stretch_ends_at_two_hundred_records(opened: journal.Journal) -> None:
    parts.fill(opened, 250)
    first = opened.stretch(0)
    assert first is not None
    assert (first.first, len(first.texts), first.last) == (1, 200, 200)
    rest = opened.stretch(200)
    assert rest is not None
    assert (rest.first, rest.last) == (201, 251)
    assert opened.stretch(251) is None
    assert opened.stretch(10_000) is None


def test_a_stretch_of_long_records_stays_below_256_kilobytes_with_its_envelope(tmp_path: Path) -> None:
    device = "k" * 64
    opened = parts.open_journal(tmp_path, device=device)
    with opened._database.transaction() as connection:  # records of other versions may be this long; ours are not
        epoch, prev = opened_epoch(opened), parts.hash_of(opened, 1)
        for seq in range(2, 30):
            plain = messages.parse(b"{}") | {"device": device, "epoch": epoch, "seq": seq, "prev": prev, "kind": "boot"}
            stamp = messages.CODEC.unstructure(messages.Stamp(parts.START, parts.BOOT_ID, seq, "synced"))
            record = messages.read_record(plain | stamp | {"body": {"software": "x", "note": "n" * 15_900}})
            sig = messages.sign(parts.signing_key(), Purpose.RECORD, device, epoch, record.hash)
            connection.execute("INSERT INTO record VALUES (?,?,?,?,?,?)", (seq, "boot", stamp["at"], record.hash, sig, record.text))
            prev = record.hash.hex()
    assert opened.verify().seq == 29
    after = sent = 0
    while stretch := opened.stretch(after):
        batch = messages.write_batch(device, epoch, stretch.texts, stretch.first, stretch.sig, messages.write_time(parts.START))
        assert len(batch) <= messages.MAX_BATCH_BYTES
        messages.verify_batch(messages.read_batch(batch, device), parts.signing_key().public_key())
        after, sent = stretch.last, sent + 1
    assert after == 29
    assert sent == 2


def opened_epoch(opened: journal.Journal) -> str:
    return opened.head().epoch


def test_waiting_ends_with_the_next_record_and_not_before(opened: journal.Journal) -> None:
    started = time.monotonic()
    opened.wait_beyond(1, 0.2)
    assert time.monotonic() - started >= 0.2
    threading.Timer(0.1, lambda: opened.append(messages.Boot("x"), parts.moment())).start()
    started = time.monotonic()
    opened.wait_beyond(1, 20.0)
    assert time.monotonic() - started < 5.0
    opened.wait_beyond(1, 20.0)


def acknowledge(opened: journal.Journal, upto: int, *, nonce: str = "", latest: str = NONCE) -> int:
    said = SERVER.acknowledgement(opened.head().epoch, upto, parts.hash_of(opened, upto) if upto else "0" * 64, nonce=nonce)
    opened.acknowledge(said, SERVER.key.public_key(), latest)
    return opened.head().acknowledged


def test_the_cursor_moves_to_where_the_server_has_signed_for(opened: journal.Journal) -> None:
    parts.fill(opened, 9)
    assert opened.head().acknowledged == 0
    assert acknowledge(opened, 4) == 4
    assert acknowledge(opened, 4) == 4
    assert acknowledge(opened, 10) == 10
    assert opened.oldest_unacknowledged() is None


def test_the_age_of_the_backlog_is_that_of_its_oldest_record(opened: journal.Journal) -> None:
    parts.fill(opened, 5)
    acknowledge(opened, 3)
    assert opened.oldest_unacknowledged() == parts.moment(2).at


def test_the_cursor_survives_reopening(tmp_path: Path) -> None:
    first = parts.open_journal(tmp_path)
    parts.fill(first, 5)
    acknowledge(first, 3)
    first.close()
    assert parts.open_journal(tmp_path).head().acknowledged == 3


def test_an_old_acknowledgement_moves_nothing_back(opened: journal.Journal) -> None:
    parts.fill(opened, 9)
    acknowledge(opened, 8)
    assert acknowledge(opened, 3) == 8
    assert acknowledge(opened, 3, nonce="c" * 32) == 8


def test_only_the_answer_to_this_hello_moves_the_cursor_back(opened: journal.Journal) -> None:
    parts.fill(opened, 9)
    acknowledge(opened, 8)
    assert acknowledge(opened, 3, nonce=NONCE) == 3
    assert acknowledge(opened, 0, nonce=NONCE) == 0


def test_before_any_hello_nothing_moves_the_cursor_back(opened: journal.Journal) -> None:
    """A retained acknowledgement without a nonce, replayed right after a start, when no nonce is out yet."""
    parts.fill(opened, 9)
    acknowledge(opened, 8)
    assert acknowledge(opened, 3, nonce="", latest="") == 8


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"key": parts.signing_key(8)}, "pinned"),
        ({"purpose": Purpose.HELLO}, "pinned"),
        ({"purpose": Purpose.RECORD}, "pinned"),
        ({"device": "kiosk-2"}, "pinned"),
        ({"epoch": "f" * 32}, "another epoch"),
        ({"upto": 11}, "not in this journal"),
        ({"head": "a" * 64}, "a fork"),
        ({"upto": 0, "head": "a" * 64}, "not in this journal"),
    ],
)
def test_an_acknowledgement_that_cannot_be_for_this_journal_is_refused(
    opened: journal.Journal, change: dict[str, object], sentence: str
) -> None:
    parts.fill(opened, 9)
    said = {"epoch": opened.head().epoch, "upto": 5, "head": parts.hash_of(opened, 5), "key": SERVER.key} | change
    server = parts.Server(said.pop("key"))  # type: ignore[arg-type]
    with pytest.raises(AcknowledgementRefused, match=sentence):
        opened.acknowledge(server.acknowledgement(**said), SERVER.key.public_key(), NONCE)  # type: ignore[arg-type]
    assert opened.head().acknowledged == 0


def test_an_acknowledgement_changed_on_its_way_is_refused(opened: journal.Journal) -> None:
    parts.fill(opened, 9)
    said = SERVER.acknowledgement(opened.head().epoch, 5, parts.hash_of(opened, 5))
    key = SERVER.key.public_key()
    for changed in (said.replace(b'"upto":5', b'"upto":6'), said.replace(b'"window":4', b'"window":9'), said[:-20], b"", b"\xff"):
        with pytest.raises(AcknowledgementRefused):
            opened.acknowledge(changed, key, NONCE)
    with pytest.raises(AcknowledgementRefused):
        opened.acknowledge(said.decode().encode("utf-16"), key, NONCE)
    assert opened.head().acknowledged == 0
    opened.acknowledge(said, key, NONCE)
    assert opened.head().acknowledged == 5


def test_an_acknowledgement_with_fields_of_a_later_version_counts(opened: journal.Journal) -> None:
    parts.fill(opened, 3)
    said = SERVER.acknowledgement(opened.head().epoch, 2, parts.hash_of(opened, 2), extra={"later": "yes"})
    assert opened.acknowledge(said, SERVER.key.public_key(), NONCE).upto == 2


def test_the_greeting_says_where_the_journal_stands_and_is_signed(opened: journal.Journal) -> None:
    parts.fill(opened, 5)
    acknowledge(opened, 3)
    data = messages.parse(messages.canonical(opened.hello(NONCE)))
    messages.verify_signed(data, messages.public_key_from_text(opened.public_key), Purpose.HELLO, parts.DEVICE)
    head = opened.head()
    assert messages.read_message(data, messages.Hello) == messages.Hello(
        head.epoch, 1, 6, head.hash, 3, NONCE, parts.SOFTWARE, ("gzip",)
    )


def test_punches_are_listed_oldest_first_after_a_number(opened: journal.Journal) -> None:
    parts.fill(opened, 6, lambda number: parts.punch() if number % 2 else messages.Boot("x"))
    assert [record.seq for record in opened.punches(0, 10)] == [3, 5, 7]
    assert [record.seq for record in opened.punches(3, 1)] == [5]


def test_the_files_are_the_owners_alone(opened: journal.Journal, tmp_path: Path) -> None:
    opened.append(messages.Boot("x"), parts.moment())
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert (tmp_path / "journal.db").exists()


def test_a_file_of_a_newer_version_is_not_touched_by_migrations_again(tmp_path: Path) -> None:
    first = database.Database(tmp_path / "journal.db", "journal")
    with first.transaction() as connection:
        connection.execute("INSERT INTO epoch VALUES (1, 'e', 'd', 'k')")
    first.close()
    with database.Database(tmp_path / "journal.db", "journal").reading() as connection:
        assert connection.execute("SELECT epoch FROM epoch").fetchone() == ("e",)
