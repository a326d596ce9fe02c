"""What the server has signed for may go after its time; what waits for it never does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from device import journal, messages
from device.journal import pruning
from tests.device import parts
from tests.device.parts import START, Server

PLENTY = 2**40
FAR_AHEAD = START + timedelta(days=365)


def opened_with(folder: Path, records: int, acknowledged: int) -> journal.Journal:
    opened = parts.open_journal(folder)
    parts.fill(opened, records - 1)
    if acknowledged:
        answer = Server().acknowledgement(opened.head().epoch, acknowledged, parts.hash_of(opened, acknowledged))
        opened.acknowledge(answer, Server().key.public_key(), "")
    return opened


def test_unsent_records_are_never_removed_however_old_or_large(tmp_path: Path) -> None:
    opened = opened_with(tmp_path, 50, acknowledged=0)
    assert opened.prune(FAR_AHEAD, most_bytes=0) == 0
    opened.verify()
    assert opened.head().kept_from == 1


def test_acknowledged_records_go_after_their_time_and_the_rest_verifies(tmp_path: Path) -> None:
    opened = opened_with(tmp_path, 50, acknowledged=30)
    assert opened.prune(FAR_AHEAD, PLENTY) == 29
    assert opened.verify().kept_from == 30, "the record at the cursor stays, or the cursor could not be verified"
    assert opened.prune(FAR_AHEAD, PLENTY) == 0


def test_young_records_stay(tmp_path: Path) -> None:
    opened = opened_with(tmp_path, 50, acknowledged=50)
    # record 1 and record 2 carry second 0, record n + 2 second n
    assert opened.prune(START + timedelta(seconds=10), PLENTY) == 11
    assert opened.head().kept_from == 12


def test_one_young_record_keeps_all_that_follow_it(tmp_path: Path) -> None:
    """The kept records are one stretch of the chain, even where the wall clock was set back."""
    opened = parts.open_journal(tmp_path)
    parts.fill(opened, 5)
    opened.append(parts.BODIES[1], parts.moment(3_600.0))
    opened.append(parts.BODIES[1], parts.moment(7.0))
    answer = Server().acknowledgement(opened.head().epoch, 8, parts.hash_of(opened, 8))
    opened.acknowledge(answer, Server().key.public_key(), "")
    opened.prune(START + timedelta(seconds=60), PLENTY)
    assert opened.head().kept_from == 7
    opened.verify()


def test_the_newest_record_stays_so_that_the_chain_goes_on(tmp_path: Path) -> None:
    opened = opened_with(tmp_path, 20, acknowledged=20)
    opened.prune(FAR_AHEAD, PLENTY)
    assert opened.head().kept_from == 20
    assert opened.append(parts.punch(), parts.moment(99)).seq == 21
    opened.verify()


def test_a_large_journal_gives_up_its_oldest_acknowledged_records_whatever_their_age(tmp_path: Path) -> None:
    opened = opened_with(tmp_path, 200, acknowledged=150)
    assert opened.prune(START - timedelta(days=1), most_bytes=4_096) == 149
    assert opened.head().kept_from == 150


def test_a_step_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PRUNE_STEP", 10)
    opened = opened_with(tmp_path, 50, acknowledged=45)
    assert [opened.prune(FAR_AHEAD, PLENTY) for _ in range(6)] == [10, 10, 10, 10, 4, 0]


def test_a_pruned_journal_opens_again_and_its_hello_says_what_it_keeps(tmp_path: Path) -> None:
    opened = opened_with(tmp_path, 50, acknowledged=30)
    opened.prune(FAR_AHEAD, PLENTY)
    opened.close()
    again = parts.open_journal(tmp_path)
    assert again.hello("0" * 32)["first_kept"] == 30
    assert again.head().seq == 50


@pytest.mark.parametrize("upto", [0, 10])
def test_a_server_restored_to_before_what_was_pruned_leaves_a_sound_journal_in_its_epoch(tmp_path: Path, upto: int) -> None:
    opened, nonce, server = opened_with(tmp_path, 50, acknowledged=30), "ab" * 16, Server()
    epoch = opened.head().epoch
    head = parts.hash_of(opened, upto) if upto else messages.GENESIS_PREV
    opened.prune(FAR_AHEAD, PLENTY)
    opened.acknowledge(server.acknowledgement(epoch, upto, head, nonce=nonce), server.key.public_key(), nonce)
    assert opened.verify().acknowledged == upto
    opened.close()
    again = parts.open_journal(tmp_path)
    assert (again.head().epoch, again.head().kept_from) == (epoch, 30)
    assert again.prune(FAR_AHEAD, 0) == 0, "it is to be sent once more"
    again.close()


def test_after_a_restored_server_what_it_had_signed_for_cannot_be_cut_off_either(tmp_path: Path) -> None:
    opened, nonce, server = opened_with(tmp_path, 50, acknowledged=30), "ab" * 16, Server()
    answer = server.acknowledgement(opened.head().epoch, 10, parts.hash_of(opened, 10), nonce=nonce)
    opened.acknowledge(answer, server.key.public_key(), nonce)
    with opened._database.transaction() as connection:
        connection.execute("DELETE FROM record WHERE seq >= 20")
    with pytest.raises(journal.ChainBroken, match="record 30: missing, though the server has signed"):
        opened.verify()
    opened.close()
