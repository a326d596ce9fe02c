"""What the ingester stores, refuses, counts and signs for; each on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from device import messages
from enterprise.outcome import Arrival, Kind, Verdict
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import PERSON, Kiosk

ZEROS = "0" * 64


def count(office: Office) -> int:
    return int(str(office.rows("SELECT count(*) FROM record")[0][0]))


def test_a_batch_is_stored_byte_for_byte_and_signed_for_after_the_commit(office: Office, kiosk: Kiosk) -> None:
    outcome = office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    assert (outcome.verdict, outcome.stored) == (Verdict.STORED, 10)
    assert [str(body).encode() for (body,) in office.rows("SELECT body FROM record ORDER BY seq")] == kiosk.texts
    answer = office.answer(outcome.answer, kiosk)
    assert (answer.epoch, answer.upto, answer.head, answer.nonce) == (kiosk.epoch, 10, kiosk.hash_of(10).hex(), "")


def test_a_compressed_batch_is_the_same_batch(office: Office, kiosk: Kiosk) -> None:
    payload, encoding = messages.compress(kiosk.batch(1, 10))
    assert encoding == "gzip"
    assert office.ingester.take(kiosk.name, payload, encoding).stored == 10


def test_punches_can_be_read_with_a_plain_select(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    rows = office.rows("SELECT device, seq, person, direction, method, liveness, site, at FROM punch ORDER BY seq")
    assert len(rows) == 9
    assert rows[0][:-1] == ("kiosk-1", 2, PERSON, "in", "face", "not_assessed", "Main gate, Building 4")
    assert rows[0][-1] == "2026-11-23T09:00:01.000000Z"


def test_a_batch_that_comes_twice_is_stored_once_and_answered_again(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    again = office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    assert (again.verdict, again.stored, again.duplicates) == (Verdict.DUPLICATE, 0, 10)
    assert office.answer(again.answer, kiosk).upto == 10
    assert count(office) == 10
    assert office.rows("SELECT duplicates FROM epoch") == [(10,)]
    assert office.alarms() == []


def test_of_a_batch_that_overlaps_only_what_is_new_is_stored(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 6))
    outcome = office.ingester.take(kiosk.name, kiosk.batch(4, 10))
    assert (outcome.verdict, outcome.stored, outcome.duplicates, outcome.upto) == (Verdict.STORED, 4, 3, 10)
    assert count(office) == 10


def test_an_old_batch_that_comes_late_moves_nothing_back(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    assert office.answer(office.ingester.take(kiosk.name, kiosk.batch(1, 4)).answer, kiosk).upto == 10


def test_a_different_record_under_a_known_number_is_a_fork_and_stores_nothing(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    clone = kiosk.twin(keep=7)
    clone.punch(8, person="p-" + "cd" * 16)
    outcome = office.ingester.take(clone.name, clone.batch(6, 15))
    assert (outcome.verdict, outcome.upto) == (Verdict.FORK, 10)
    assert office.answer(outcome.answer, kiosk).head == kiosk.hash_of(10).hex()
    assert count(office) == 10
    assert office.rows("SELECT kind, seq FROM alarm") == [("fork", 8)]


def test_a_batch_that_does_not_continue_the_stored_head_is_a_fork(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    clone = kiosk.twin(keep=7)
    clone.punch(5, person="p-" + "cd" * 16)
    outcome = office.ingester.take(clone.name, clone.batch(11, 12))
    assert (outcome.verdict, outcome.upto, count(office)) == (Verdict.FORK, 10, 10)
    assert office.rows("SELECT kind, seq FROM alarm") == [("fork", 11)]


def test_after_a_fork_the_true_kiosk_goes_on(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 8))
    clone = kiosk.twin(keep=5)
    clone.punch(5, person="p-" + "cd" * 16)
    office.ingester.take(clone.name, clone.batch(5, 10))
    assert office.ingester.take(kiosk.name, kiosk.batch(9, 10)).stored == 2


def test_a_batch_behind_a_hole_is_not_stored_and_the_answer_says_where_to_send_from(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 3))
    outcome = office.ingester.take(kiosk.name, kiosk.batch(6, 10))
    assert (outcome.verdict, count(office)) == (Verdict.HOLE, 3)
    assert office.answer(outcome.answer, kiosk).upto == 3
    assert office.alarms() == []
    assert office.ingester.take(kiosk.name, kiosk.batch(4, 10)).upto == 10


def test_the_first_batch_of_a_new_kiosk_must_begin_at_its_genesis(office: Office, kiosk: Kiosk) -> None:
    outcome = office.ingester.take(kiosk.name, kiosk.batch(2, 10))
    answer = office.answer(outcome.answer, kiosk)
    assert (outcome.verdict, answer.upto, answer.head) == (Verdict.HOLE, 0, ZEROS)


def test_what_a_kiosk_no_longer_keeps_is_a_named_gap_and_the_rest_is_taken(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 3))
    greeted = office.ingester.greet(kiosk.name, kiosk.hello(first_kept=6))
    assert office.answer(greeted.answer, kiosk).upto == 3
    assert office.rows("SELECT first, last FROM gap") == [(4, 5)]
    assert office.alarms() == ["gap"]
    outcome = office.ingester.take(kiosk.name, kiosk.batch(6, 10))
    assert (outcome.verdict, outcome.stored, outcome.upto) == (Verdict.STORED, 5, 10)


def test_records_of_a_gap_that_turn_up_later_take_their_place(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 3))
    office.ingester.greet(kiosk.name, kiosk.hello(first_kept=6))
    office.ingester.take(kiosk.name, kiosk.batch(6, 10))
    outcome = office.ingester.take(kiosk.name, kiosk.batch(4, 5))
    assert (outcome.verdict, outcome.stored, outcome.upto, count(office)) == (Verdict.STORED, 2, 10, 10)


def test_invented_records_cannot_fill_a_gap(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 3))
    office.ingester.greet(kiosk.name, kiosk.hello(first_kept=6))
    office.ingester.take(kiosk.name, kiosk.batch(6, 10))
    clone = kiosk.twin(keep=3)
    clone.punch(2, person="p-" + "cd" * 16)
    assert office.ingester.take(clone.name, clone.batch(4, 5)).verdict is Verdict.FORK
    assert count(office) == 8


def test_a_hello_is_answered_with_its_nonce_and_where_the_server_stands(office: Office, kiosk: Kiosk) -> None:
    nonce = "5a" * 16
    new = office.answer(office.ingester.greet(kiosk.name, kiosk.hello(nonce=nonce)).answer, kiosk)
    assert (new.upto, new.head, new.nonce) == (0, ZEROS, nonce)
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    known = office.answer(office.ingester.greet(kiosk.name, kiosk.hello(nonce=nonce, acknowledged=10)).answer, kiosk)
    assert (known.upto, known.head) == (10, kiosk.hash_of(10).hex())
    assert known.server_time.startswith("2026-11-23T10:00:")
    assert office.alarms() == []


def test_the_cut_tail_of_a_journal_is_found_by_its_next_hello(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    greeted = office.ingester.greet(kiosk.name, kiosk.twin(keep=7).hello())
    assert office.answer(greeted.answer, kiosk).upto == 10
    assert office.rows("SELECT kind, seq FROM alarm") == [("tail_cut", 7)]


def test_a_cut_journal_that_has_grown_again_is_a_fork_at_its_next_hello(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    regrown = kiosk.twin(keep=7)
    regrown.punch(3, person="p-" + "cd" * 16)
    office.ingester.greet(kiosk.name, regrown.hello())
    assert office.rows("SELECT kind, seq FROM alarm") == [("fork", 10)]


def test_a_journal_that_was_begun_since_the_one_before_had_forked_is_taken_and_says_so(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    anew = Kiosk(kiosk.name, kiosk.key)
    anew.texts.clear()
    anew.write(messages.Genesis("forked_journal", "test", kiosk.public_key))
    anew.punch(3)
    assert office.ingester.take(kiosk.name, anew.batch(1, 4)).stored == 4
    office.ingester.take(kiosk.name, anew.batch(1, 4))
    assert office.rows("SELECT kind, epoch, seq, count FROM alarm WHERE kind = 'fork'") == [("fork", anew.epoch, 1, 1)]
    assert "new_epoch" in office.alarms()


def test_a_database_that_was_put_back_says_so_and_gets_the_records_again(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 4))
    greeted = office.ingester.greet(kiosk.name, kiosk.hello(acknowledged=10))
    assert office.answer(greeted.answer, kiosk).upto == 4
    assert office.alarms() == ["rewound"]
    assert office.ingester.take(kiosk.name, kiosk.batch(5, 10)).upto == 10


def test_a_second_journal_of_a_known_kiosk_is_taken_and_told_to_a_person(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    second = Kiosk(kiosk.name, kiosk.key)
    assert office.ingester.take(second.name, second.batch(1, 1)).stored == 1
    assert office.rows("SELECT kind, epoch FROM alarm") == [("new_epoch", second.epoch)]


@pytest.mark.parametrize("unusable", [{"kind": "seance"}, {"time_quality": "certain"}, {"body": {"person": "Frau Müller"}}])
def test_a_record_that_the_server_cannot_use_is_parked_with_its_exact_bytes(
    office: Office, kiosk: Kiosk, unusable: dict[str, object]
) -> None:
    exact = kiosk.write_raw(**unusable)
    kiosk.punch()
    outcome = office.ingester.take(kiosk.name, kiosk.batch(1, 12))
    assert (outcome.stored, outcome.parked, outcome.upto) == (11, 1, 12)
    ((seq, body, reason),) = office.rows("SELECT seq, body, reason FROM parked")
    assert (seq, str(body).encode()) == (11, exact)
    assert str(reason).startswith("record: ")
    assert office.alarms() == ["parked"]
    assert office.ingester.take(kiosk.name, kiosk.batch(10, 12)).duplicates == 3


def test_a_text_that_a_database_cannot_hold_is_parked_and_punches_stay_readable(office: Office, kiosk: Kiosk) -> None:
    body = messages.parse(kiosk.texts[-1])["body"] | {"site": "gate\0"}
    kiosk.write_raw(body=body)
    assert office.ingester.take(kiosk.name, kiosk.batch(1, 11)).parked == 1
    assert len(office.rows("SELECT site FROM punch")) == 9


def test_an_oversized_record_is_parked(office: Office, kiosk: Kiosk) -> None:
    kiosk.write_raw(padding="x" * messages.MAX_RECORD_BYTES)
    assert office.ingester.take(kiosk.name, kiosk.batch(1, 11)).parked == 1


def test_fields_that_this_version_does_not_know_are_kept(office: Office, kiosk: Kiosk) -> None:
    exact = kiosk.write_raw(weather="雨")
    assert office.ingester.take(kiosk.name, kiosk.batch(1, 11)).stored == 11
    assert [str(body).encode() for (body,) in office.rows("SELECT body FROM record WHERE seq = 11")] == [exact]


def test_a_wrong_signature_stores_nothing_and_is_not_answered(office: Office, kiosk: Kiosk) -> None:
    other = Kiosk(kiosk.name, epoch=kiosk.epoch)
    forged = messages.sign(other.key, messages.Purpose.RECORD, kiosk.name, kiosk.epoch, kiosk.hash_of(10))
    outcome = office.ingester.take(kiosk.name, kiosk.batch(1, 10, sig=forged))
    assert (outcome.verdict, outcome.answer, count(office)) == (Verdict.BAD_SIGNATURE, None, 0)
    assert office.alarms() == ["bad_signature"]


def test_a_forged_hello_is_not_answered(office: Office, kiosk: Kiosk) -> None:
    forged = Kiosk(kiosk.name, epoch=kiosk.epoch).hello()
    outcome = office.ingester.greet(kiosk.name, forged)
    assert (outcome.verdict, outcome.answer, office.alarms()) == (Verdict.BAD_SIGNATURE, None, ["bad_signature"])
    assert office.rows("SELECT count(*) FROM epoch") == [(0,)]


@pytest.mark.parametrize("name", ["kiosk-9", "server", "ingest", "Kiosk\0", "../x"])
def test_a_device_that_nobody_vouched_for_stores_nothing_and_is_not_answered(office: Office, name: str) -> None:
    stranger = Kiosk("kiosk-9")
    outcome = office.ingester.take(name, stranger.batch(1, 1))
    assert (outcome.verdict, outcome.answer, count(office)) == (Verdict.UNTRUSTED, None, 0)
    assert office.alarms() == ["untrusted"]


def test_one_kiosk_cannot_speak_for_another(office: Office, kiosk: Kiosk) -> None:
    other = office.trust(Kiosk("kiosk-2"))
    assert office.ingester.take(other.name, kiosk.batch(1, 10)).verdict is Verdict.MALFORMED
    assert count(office) == 0


def test_a_genesis_record_with_another_key_is_refused(office: Office, kiosk: Kiosk) -> None:
    text = messages.parse(kiosk.texts[0])
    text["body"]["key"] = Kiosk("kiosk-3").public_key
    liar = Kiosk(kiosk.name, kiosk.key, kiosk.epoch, [messages.canonical(text)])
    outcome = office.ingester.take(liar.name, liar.batch(1, 1))
    assert (outcome.verdict, outcome.answer, count(office)) == (Verdict.WRONG_GENESIS, None, 0)
    assert office.alarms() == ["wrong_genesis"]


def test_an_epoch_belongs_to_the_key_that_began_it(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 10))
    successor = Kiosk(kiosk.name, epoch=kiosk.epoch, texts=list(kiosk.texts))
    office.trust(successor)
    successor.punch()
    assert office.ingester.take(successor.name, successor.batch(11, 11)).verdict is Verdict.BAD_SIGNATURE
    assert count(office) == 10


def test_many_messages_share_one_commit_and_each_gets_its_own_outcome(office: Office, kiosk: Kiosk) -> None:
    other = office.trust(Kiosk("kiosk-0"))
    arrivals = [
        Arrival(Kind.HELLO, kiosk.name, kiosk.hello()),
        Arrival(Kind.RECORDS, kiosk.name, kiosk.batch(1, 5)),
        Arrival(Kind.RECORDS, other.name, other.batch(1, 1)),
        Arrival(Kind.RECORDS, "kiosk-7", b"{}"),
        Arrival(Kind.RECORDS, kiosk.name, kiosk.batch(6, 10)),
    ]
    outcomes = office.ingester.take_all(arrivals)
    assert [outcome.verdict for outcome in outcomes] == ["greeted", "stored", "stored", "untrusted", "stored"]
    assert [outcome.upto for outcome in outcomes] == [0, 5, 1, 0, 10]
    assert count(office) == 11
