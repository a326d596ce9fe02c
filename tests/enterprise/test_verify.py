"""`verify` finds what somebody with full rights on the database has changed, and names it."""

from __future__ import annotations

import pytest

from device import messages
from device.messages import Purpose
from enterprise import verify
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import BOOT_ID, START, Kiosk


@pytest.fixture
def stored(office: Office, kiosk: Kiosk) -> Kiosk:
    """Eleven records, of which the eleventh is parked, in two batches."""
    kiosk.write_raw(kind="seance")
    office.ingester.take(kiosk.name, kiosk.batch(1, 6))
    office.ingester.take(kiosk.name, kiosk.batch(7, 11))
    return kiosk


def findings(office: Office) -> list[tuple[str, int]]:
    (chain,) = verify.chains(office.store)
    return [(finding.kind, finding.seq) for finding in chain.findings]


def test_an_untouched_chain_holds_and_ends_at_the_kiosks_own_head(office: Office, stored: Kiosk) -> None:
    (chain,) = verify.chains(office.store)
    assert chain.holds
    assert (chain.upto, chain.head, chain.records, chain.parked) == (11, stored.hash_of(11).hex(), 10, 1)


@pytest.mark.parametrize(
    ("column", "text", "other"),
    [
        ("body", '"score_band":60', '"score_band":65'),
        ("person", "p-ab", "p-cd"),
        ("at", "09:00:04", "08:00:04"),
        ("kind", "punch", "audit"),
    ],
)
def test_a_changed_record_is_found_and_named(office: Office, stored: Kiosk, column: str, text: str, other: str) -> None:
    office.tamper(f"UPDATE record SET {column} = replace({column}, '{text}', '{other}') WHERE seq = 5")
    assert findings(office) == [("bad_record", 5)]


def test_any_single_changed_byte_of_a_record_is_found(office: Office, stored: Kiosk) -> None:
    text = stored.texts[4].decode()
    for place in range(0, len(text), 29):
        changed = text[:place] + ("x" if text[place] != "x" else "y") + text[place + 1 :]
        office.tamper(f"UPDATE record SET body = '{changed}' WHERE seq = 5")
        assert findings(office) == [("bad_record", 5)], f"byte {place} was changed"
    office.tamper(f"UPDATE record SET body = '{text}' WHERE seq = 5")
    assert findings(office) == []


def test_a_record_that_was_changed_together_with_its_hash_is_found_by_the_next(office: Office, stored: Kiosk) -> None:
    changed = stored.texts[3].replace(b'"score_band":60', b'"score_band":90')
    office.tamper(f"UPDATE record SET body = '{changed.decode()}', hash = '{messages.digest(changed).hex()}' WHERE seq = 4")
    assert findings(office) == [("bad_record", 5)]


@pytest.mark.parametrize("change", ["first_at = '2026-11-23T08:00:00.000000Z'", "last_monotonic_us = 5"])
def test_a_changed_boot_which_would_move_times_is_found(office: Office, stored: Kiosk, change: str) -> None:
    office.tamper(f"UPDATE boot SET {change}")
    assert findings(office) == [("times", 0)]


def test_an_invented_trusted_time_is_found(office: Office, stored: Kiosk) -> None:
    values = f"'{stored.name}', '{stored.epoch}', 5, '{BOOT_ID}', 1, '2026-11-23T07:00:00.000000Z', 'server', 1"
    office.tamper(f"INSERT INTO anchor VALUES ({values})")
    assert findings(office) == [("times", 0)]


def test_a_changed_parked_record_is_found(office: Office, stored: Kiosk) -> None:
    office.tamper("UPDATE parked SET body = replace(body, 'seance', 'punch!') WHERE seq = 11")
    assert findings(office) == [("bad_record", 11)]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"kind":"time"}', b'{"body":[],"kind":"audit","at":"x"}', b'{"at":"x","body":{},"kind":"audit"}']
)
def test_an_invented_record_of_any_shape_is_named_and_ends_no_verification(office: Office, stored: Kiosk, body: bytes) -> None:
    place = {"device": stored.name, "epoch": stored.epoch, "seq": 5, "prev": stored.hash_of(4).hex()}
    text = messages.canonical(messages.parse(body) | place)
    kept = {"kind": "audit", "person": "", "at": "x"}
    columns = ", ".join(f"{name} = '{value}'" for name, value in kept.items())
    office.tamper(f"UPDATE record SET body = '{text.decode()}', hash = '{messages.digest(text).hex()}', {columns} WHERE seq = 5")
    assert findings(office) == [("bad_record", 5)]


def test_a_changed_signature_is_found(office: Office, stored: Kiosk) -> None:
    forged = messages.sign(Kiosk().key, Purpose.RECORD, stored.name, stored.epoch, stored.hash_of(6))
    office.tamper(f"UPDATE record SET sig = '{forged}' WHERE seq = 6")
    assert findings(office) == [("bad_record", 6)]


def test_a_removed_record_is_found(office: Office, stored: Kiosk) -> None:
    office.tamper("DELETE FROM record WHERE seq = 6")
    assert findings(office) == [("unsigned", 5), ("gap", 6)]


def test_a_removed_end_is_found(office: Office, stored: Kiosk) -> None:
    office.tamper("DELETE FROM parked WHERE seq = 11")
    assert findings(office) == [("unsigned", 10), ("cursor", 11)]


def test_a_chain_that_was_recomputed_without_the_kiosks_key_is_found(office: Office, stored: Kiosk) -> None:
    forger = stored.twin(keep=9)
    forger.punch(1, person="p-" + "cd" * 16)
    forger.write_raw(kind="seance")
    office.tamper(f"UPDATE record SET body = '{forger.texts[9].decode()}', hash = '{forger.hash_of(10).hex()}' WHERE seq = 10")
    office.tamper(f"UPDATE parked SET body = '{forger.texts[10].decode()}', hash = '{forger.hash_of(11).hex()}', sig = NULL")
    office.tamper(f"UPDATE epoch SET head = '{forger.hash_of(11).hex()}'")
    assert findings(office) == [("bad_record", 10)] or findings(office) == [("unsigned", 11)]
    office.tamper(f"UPDATE record SET person = 'p-{'cd' * 16}', at = '{messages.parse(forger.texts[9])['at']}' WHERE seq = 10")
    assert findings(office) == [("unsigned", 11)]


def test_a_declared_gap_is_named_and_so_is_one_that_nobody_declared(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 3))
    office.ingester.greet(kiosk.name, kiosk.hello(first_kept=6))
    office.ingester.take(kiosk.name, kiosk.batch(6, 10))
    (chain,) = verify.chains(office.store)
    assert [finding.sentence for finding in chain.findings] == ["records 4 to 5: declared gone by the kiosk"]
    office.tamper("DELETE FROM gap")
    (chain,) = verify.chains(office.store)
    assert [finding.sentence for finding in chain.findings] == ["records 4 to 5: missing, though they were signed for"]


def test_a_gap_that_was_filled_is_no_longer_a_finding(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 3))
    office.ingester.greet(kiosk.name, kiosk.hello(first_kept=6))
    office.ingester.take(kiosk.name, kiosk.batch(6, 10))
    office.ingester.take(kiosk.name, kiosk.batch(4, 5))
    assert findings(office) == []


def test_a_fork_is_named(office: Office, stored: Kiosk) -> None:
    clone = stored.twin(keep=7)
    clone.punch(1, person="p-" + "cd" * 16)
    office.ingester.take(clone.name, clone.batch(7, 8))
    assert findings(office) == [("fork", 8)]


def test_each_journal_of_each_kiosk_is_walked(office: Office, stored: Kiosk) -> None:
    other, second = office.trust(Kiosk("kiosk-2")), Kiosk(stored.name, stored.key)
    office.ingester.take(other.name, other.batch(1, 1))
    office.ingester.take(second.name, second.batch(1, 1))
    assert len(list(verify.chains(office.store))) == 3
    assert [chain.epoch for chain in verify.chains(office.store, "kiosk-2")] == [other.epoch]


def test_a_forgotten_cursor_is_found(office: Office, stored: Kiosk) -> None:
    office.tamper(f"DELETE FROM epoch WHERE first_seen > '{START:%Y}'")
    assert findings(office) == [("cursor", 0)]
