"""Whatever happens to the file: the first bad record is named, nothing is deleted, and the kiosk goes on in a new epoch."""

from __future__ import annotations

import functools
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device import database, journal, messages
from device.journal import ChainBroken, WrongKey
from tests.device import parts

COUNT = 12  # records of the sample journal, genesis included


@functools.cache
def sample_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_sample(Path(folder)).read_bytes()


def sample(folder: Path) -> Path:
    """A closed journal of COUNT records, of which the server has signed for the last but two."""
    path = folder / "journal.db"
    path.write_bytes(sample_bytes())
    return path


def write_sample(folder: Path) -> Path:
    opened = parts.open_journal(folder)
    parts.fill(opened, COUNT - 1, lambda number: parts.punch(site=f"gate {number}"))
    server = parts.Server()
    upto = COUNT - 2
    opened.acknowledge(server.acknowledgement(opened.head().epoch, upto, parts.hash_of(opened, upto)), server.key.public_key(), "")
    opened.close()
    return folder / "journal.db"


def edit(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def look(path: Path) -> journal.Head:
    """Verify as `daka verify` does."""
    opened = journal.Journal(path, parts.DEVICE, parts.signing_key(), parts.SOFTWARE)
    try:
        opened.check_at_start()
        return opened.verify()
    finally:
        opened.close()


def value(path: Path, column: str, seq: int) -> bytes | str:
    connection = sqlite3.connect(path)
    (found,) = connection.execute(f"SELECT {column} FROM record WHERE seq = ?", (seq,)).fetchone()
    connection.close()
    assert isinstance(found, bytes | str)
    return found


def with_one_change(found: bytes | str, place: int, step: int) -> bytes | str:
    """The same with one byte changed, of the same type."""
    raw = bytearray(found if isinstance(found, bytes) else found.encode())
    raw[place % len(raw)] = (raw[place % len(raw)] + step) % (256 if isinstance(found, bytes) else 128)
    return bytes(raw) if isinstance(found, bytes) else raw.decode()


@pytest.mark.parametrize("column", ["text", "hash", "sig", "kind", "at"])
@settings(max_examples=25)
@given(seq=st.integers(1, COUNT), place=st.integers(0, 2_000), step=st.integers(1, 127))
def test_one_changed_byte_anywhere_in_a_row_is_found_and_named(
    tmp_path_factory: pytest.TempPathFactory, column: str, seq: int, place: int, step: int
) -> None:
    path = sample(tmp_path_factory.mktemp("damage"))
    edit(path, f"UPDATE record SET {column} = ? WHERE seq = ?", with_one_change(value(path, column, seq), place, step), seq)
    with pytest.raises(ChainBroken) as broken:
        look(path)
    assert broken.value.seq == seq
    assert str(broken.value).startswith(f"record {seq}: ")


def test_the_unchanged_sample_holds(tmp_path: Path) -> None:
    head = look(sample(tmp_path))
    assert (head.kept_from, head.seq, head.acknowledged) == (1, COUNT, COUNT - 2)


@pytest.mark.parametrize("letter", [b"Q", b"g", b"w"])
def test_the_unused_bits_of_a_signatures_last_letter_are_no_hiding_place(tmp_path: Path, letter: bytes) -> None:
    path = sample(tmp_path)
    sig = value(path, "sig", 4)
    assert isinstance(sig, str)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    next_letter = alphabet[alphabet.index(sig[85]) ^ (1 + letter[0] % 15)]
    edit(path, "UPDATE record SET sig = ? WHERE seq = 4", sig[:85] + next_letter + "==")
    with pytest.raises(ChainBroken, match="record 4: its signature"):
        look(path)


def test_a_predecessor_that_was_rewritten_with_hash_and_all_is_found_by_its_signature(tmp_path: Path) -> None:
    path = sample(tmp_path)
    plain = messages.parse(value(path, "text", 5))  # type: ignore[arg-type]
    plain["prev"] = "a" * 64
    text = messages.canonical(plain)
    edit(path, "UPDATE record SET text = ?, hash = ? WHERE seq = 5", text, messages.digest(text))
    with pytest.raises(ChainBroken, match="record 5: it does not name the record before it"):
        look(path)


def test_a_record_that_was_rewritten_with_its_hash_has_no_signature(tmp_path: Path) -> None:
    path = sample(tmp_path)
    text = value(path, "text", 5).replace(b"gate", b"door")  # type: ignore[arg-type]
    assert isinstance(text, bytes)
    edit(path, "UPDATE record SET text = ?, hash = ? WHERE seq = 5", text, messages.digest(text))
    with pytest.raises(ChainBroken, match="record 5: its signature"):
        look(path)


@pytest.mark.parametrize("seq", range(1, COUNT + 1 - 2))
def test_a_removed_record_is_missed(tmp_path: Path, seq: int) -> None:
    path = sample(tmp_path)
    edit(path, "DELETE FROM acknowledged")
    edit(path, "DELETE FROM record WHERE seq = ?", seq)
    with pytest.raises(ChainBroken, match=f"record {seq}: missing"):
        look(path)


def test_removed_first_records_that_no_server_signed_for_are_missed(tmp_path: Path) -> None:
    path = sample(tmp_path)
    edit(path, "DELETE FROM acknowledged")
    edit(path, "DELETE FROM record WHERE seq <= 3")
    with pytest.raises(ChainBroken, match="record 1: missing"):
        look(path)


def test_a_tail_that_the_server_had_signed_for_cannot_be_cut_off(tmp_path: Path) -> None:
    path = sample(tmp_path)
    edit(path, "DELETE FROM record WHERE seq >= ?", COUNT - 3)
    with pytest.raises(ChainBroken, match=f"record {COUNT - 2}: missing, though the server has signed"):
        look(path)


def test_a_cursor_that_names_another_record_is_found(tmp_path: Path) -> None:
    path = sample(tmp_path)
    edit(path, "UPDATE acknowledged SET head = ?", "a" * 64)
    with pytest.raises(ChainBroken, match=f"record {COUNT - 2}: not the record"):
        look(path)


def test_two_swapped_records_are_found(tmp_path: Path) -> None:
    path = sample(tmp_path)
    edit(path, "UPDATE record SET seq = -5 WHERE seq = 5")
    edit(path, "UPDATE record SET seq = 5 WHERE seq = 6")
    edit(path, "UPDATE record SET seq = 6 WHERE seq = -5")
    with pytest.raises(ChainBroken, match="record 5: "):
        look(path)


@pytest.mark.parametrize("statement", ["DELETE FROM record", "DELETE FROM epoch"])
def test_a_journal_without_records_or_without_its_epoch_is_broken_not_new(tmp_path: Path, statement: str) -> None:
    path = sample(tmp_path)
    edit(path, statement)
    with pytest.raises(ChainBroken, match="record 1: "):
        look(path)
    again = parts.open_journal(tmp_path)
    assert again.verify().seq == 1
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("column", ["text", "hash"])
def test_a_record_stored_in_another_type_is_named(tmp_path: Path, column: str) -> None:
    path = sample(tmp_path)
    edit(path, f"UPDATE record SET {column} = CAST({column} AS TEXT) WHERE seq = 5")
    with pytest.raises(ChainBroken, match="record 5: "):
        look(path)


def kept(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("journal.db.damaged-*") if not path.name.endswith(("-wal", "-shm")))


def overwrite_page(path: Path) -> None:
    """A page of the record table."""
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(os.urandom(4096 * 3))


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def fill_with_noise(path: Path) -> None:
    path.write_bytes(os.urandom(50_000))


def change_one_text(path: Path) -> None:
    edit(path, "UPDATE record SET text = ? WHERE seq = 5", b"{}")


@pytest.mark.parametrize("damage", [overwrite_page, cut_in_half, fill_with_noise, change_one_text])
def test_a_damaged_journal_is_kept_aside_and_a_new_epoch_says_why(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = sample(tmp_path)
    old_epoch = look(path).epoch
    damage(path)
    before = path.read_bytes()
    again = parts.open_journal(tmp_path)
    assert [found.read_bytes() for found in kept(tmp_path)] == [before]
    head = again.verify()
    assert head.epoch != old_epoch
    stretch = again.stretch(0)
    assert stretch is not None
    (text,) = stretch.texts
    genesis = messages.read_body(messages.read_record(messages.parse(text)))
    assert genesis == messages.Genesis("damaged_journal", parts.SOFTWARE, again.public_key)
    assert again.append(parts.punch(), parts.moment()).seq == 2
    again.close()
    third = parts.open_journal(tmp_path)
    assert third.head().seq == 2
    assert len(kept(tmp_path)) == 1


def say(opened: journal.Journal, upto: int, head: str, nonce: str, latest: str = "ab" * 16, key: int = 9) -> None:
    server = parts.Server()
    answer = parts.Server(parts.signing_key(key)).acknowledgement(opened.head().epoch, upto, head, nonce=nonce)
    opened.acknowledge(answer, server.key.public_key(), latest)


@pytest.mark.parametrize("grown", [0, 1, 5])
def test_a_journal_that_lost_records_which_the_server_has_is_kept_aside_and_the_kiosk_goes_on_in_a_new_epoch(
    tmp_path: Path, grown: int
) -> None:
    path, nonce = sample(tmp_path), "ab" * 16
    opened = parts.open_journal(tmp_path)
    lost, epoch = parts.hash_of(opened, COUNT), opened.head().epoch
    opened.close()
    edit(path, "DELETE FROM record WHERE seq > ?", COUNT - 2)
    opened = parts.open_journal(tmp_path)
    parts.fill(opened, grown)
    opened.verify()
    with pytest.raises(journal.JournalForked, match=f"another record {COUNT} than this journal holds"):
        say(opened, COUNT, lost, nonce)
    assert opened.head().acknowledged == COUNT - 2
    opened.close()
    again = parts.open_journal(tmp_path)
    assert again.head().epoch != epoch
    record = again.pick([1])[0]
    assert messages.read_body(record) == messages.Genesis("forked_journal", parts.SOFTWARE, again.public_key)
    (aside,) = kept(tmp_path)
    with sqlite3.connect(aside) as connection:
        assert connection.execute("SELECT max(seq) FROM record").fetchone() == (COUNT - 2 + grown,)
    say(again, 1, parts.hash_of(again, 1), nonce)
    again.close()


@pytest.mark.parametrize("said", [{"nonce": ""}, {"nonce": "cd" * 16}, {"nonce": "", "latest": ""}, {"nonce": "ab" * 16, "key": 8}])
def test_only_the_pinned_servers_answer_to_this_very_hello_makes_a_kiosk_begin_a_new_epoch(
    tmp_path: Path, said: dict[str, object]
) -> None:
    sample(tmp_path)
    opened = parts.open_journal(tmp_path)
    epoch = opened.head().epoch
    for upto in (COUNT, COUNT + 3):
        with pytest.raises(journal.AcknowledgementRefused):
            say(opened, upto, "a" * 64, **said)  # type: ignore[arg-type]
    opened.close()
    again = parts.open_journal(tmp_path)
    assert again.head().epoch == epoch
    again.close()


def test_the_quarantined_journal_is_let_go_so_that_nothing_writes_to_it_any_more(tmp_path: Path) -> None:
    change_one_text(sample(tmp_path))
    again = parts.open_journal(tmp_path)
    everything = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    here = {Path(name).name for name in everything if name.startswith(f"{tmp_path}/")}
    assert here == {"journal.db", "journal.db-wal", "journal.db-shm"}
    again.append(parts.punch(), parts.moment())
    assert again.verify().seq == 2


def test_whoever_merely_looks_at_a_damaged_journal_moves_nothing(tmp_path: Path) -> None:
    path = sample(tmp_path)
    fill_with_noise(path)
    before = path.read_bytes()
    with pytest.raises(database.StorageDamaged):
        journal.open_journal(path, parts.DEVICE, parts.signing_key(), parts.SOFTWARE, parts.moment(), replace_damaged=False)
    assert path.read_bytes() == before
    assert kept(tmp_path) == []


def test_damage_twice_is_kept_twice(tmp_path: Path) -> None:
    for _ in range(2):
        path = sample(tmp_path)
        fill_with_noise(path)
        parts.open_journal(tmp_path).close()
    assert len(kept(tmp_path)) == 2


@settings(max_examples=25)
@given(place=st.integers(0, 200_000), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_in_the_file_never_becomes_another_record_in_silence(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    """It is found, or it lies where no record is; it is never a crash of another kind."""
    folder = tmp_path_factory.mktemp("bit")
    path = sample(folder)
    expected = [value(path, "text", seq) for seq in range(1, COUNT + 1)]
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] ^= 1 << bit
    path.write_bytes(raw)
    try:
        again = parts.open_journal(folder)
    except WrongKey:  # the kiosk's own name in it: no journal of another name is gone on with, and none put aside
        assert path.read_bytes()[place % len(raw)] == raw[place % len(raw)]
        return
    if again.head().seq == 1:
        assert len(kept(folder)) == 1
    else:
        stretch = again.stretch(0)
        assert stretch is not None
        assert stretch.texts == expected
        again.verify()
    again.close()
