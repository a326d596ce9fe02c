"""The register lists what the journal holds, by the times as they should be read."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from device import journal, messages, register
from device.register import Wanted
from tests.device import parts


def punched(opened: journal.Journal, *people: str, start_s: float = 0.0, boot_id: str = parts.BOOT_ID) -> list[int]:
    """A punch a minute; the numbers of their records."""
    return [
        opened.append(parts.punch(person), parts.moment(start_s + 60 * place, boot_id=boot_id)).seq
        for place, person in enumerate(people)
    ]


def test_the_newest_punches_come_first_and_a_page_is_a_part_of_all(opened: journal.Journal) -> None:
    seqs = punched(opened, *[parts.ADA] * 5)
    found = register.Register(opened).find(Wanted(limit=2, offset=1))
    assert (found.total, found.seqs) == (5, (seqs[3], seqs[2]))
    assert register.Register(opened).find(Wanted(descending=False)).seqs == tuple(seqs)


def test_punches_are_found_by_person_direction_and_time(opened: journal.Journal) -> None:
    ada, bob, late = punched(opened, parts.ADA, parts.BOB, parts.ADA)
    out = opened.append(parts.punch(parts.ADA, messages.Direction.OUT), parts.moment(600)).seq
    known = register.Register(opened)
    assert known.find(Wanted(people=frozenset({parts.BOB}))).seqs == (bob,)
    assert known.find(Wanted(people=frozenset())).total == 0
    assert known.find(Wanted(direction="out")).seqs == (out,)
    assert known.find(Wanted(direction="sideways")).total == 0
    went, came = (
        opened.append(parts.punch(parts.BOB, messages.Direction(way)), parts.moment(700)).seq for way in ("break", "back")
    )
    assert [known.find(Wanted(direction=way)).seqs for way in ("break", "back")] == [(went,), (came,)]
    half_open = Wanted(since=parts.START, until=parts.START + timedelta(seconds=120))
    assert known.find(half_open).seqs == (bob, ada)
    assert late not in known.find(half_open).seqs


def test_a_punch_that_comes_later_is_found_without_reading_again(opened: journal.Journal) -> None:
    known = register.Register(opened)
    first = punched(opened, parts.ADA)
    assert known.find(Wanted()).seqs == tuple(first)
    more = punched(opened, *[parts.BOB] * 2_000, start_s=100)
    found = known.find(Wanted(limit=1))
    assert (found.total, found.seqs) == (2_001, (more[-1],))


def test_a_trusted_time_moves_the_punches_of_its_boot_to_where_they_belong(opened: journal.Journal) -> None:
    """A kiosk that woke up in 1970 punches somebody; the server's time comes a minute later."""
    wrong = -50 * 365 * 86_400.0
    moment = parts.moment(5, wall_step_s=wrong, boot_id=parts.OTHER_BOOT_ID)
    unsure = dataclasses.replace(moment, quality=messages.Quality.UNSYNCED)
    seq = opened.append(parts.punch(), unsure).seq
    known, hour = register.Register(opened), timedelta(hours=1)
    day = Wanted(since=parts.START + hour / 2, until=parts.START + hour)
    assert known.find(day).total == 0
    assert known.find(Wanted(review=True)).seqs == (seq,)
    told = messages.TimeBody(
        parts.OTHER_BOOT_ID, 65_000_000, parts.START + timedelta(hours=1), messages.Source.SERVER, 10_000, moment.at
    )
    opened.append(told, parts.moment(65, wall_step_s=wrong, boot_id=parts.OTHER_BOOT_ID))
    assert known.find(day).seqs == (seq,)
    assert known.find(Wanted(review=True)).total == 0


def test_the_latest_punch_of_each_says_who_is_in(opened: journal.Journal) -> None:
    _, bob = punched(opened, parts.ADA, parts.BOB)
    gone = opened.append(parts.punch(parts.ADA, messages.Direction.OUT), parts.moment(500)).seq
    found = register.Register(opened).latest(parts.START, parts.START + timedelta(hours=1), 10)
    assert {way: (count, [one.seq for one in listed]) for way, (count, listed) in found.items()} == {
        "in": (1, [bob]),
        "out": (1, [gone]),
    }


def test_of_a_crowd_the_earliest_are_listed_and_all_are_counted(opened: journal.Journal) -> None:
    seqs = [opened.append(parts.punch(f"p-{number:032x}"), parts.moment(number)).seq for number in range(30)]
    opened.append(parts.punch("p-" + "0" * 32), parts.moment(100))
    count, listed = register.Register(opened).latest(parts.START, parts.START + timedelta(hours=1), 5)["in"]
    assert (count, [one.seq for one in listed]) == (30, seqs[1:6]), "whoever punched again stands where the latest punch is"


def test_a_voided_punch_counts_no_more_and_a_disputed_one_does_until_somebody_has_looked(opened: journal.Journal) -> None:
    ada, bob = punched(opened, parts.ADA, parts.BOB)
    known = register.Register(opened)
    assert known.find(Wanted(state="voided")).total == 0
    opened.append(messages.Dispute(bob, "0" * 64, "not me", "kiosk"), parts.moment(200))
    opened.append(messages.Void(ada, "0" * 64, "a mistake", "web:hr"), parts.moment(201))
    assert known.find(Wanted(state="counts")).seqs == (bob,)
    assert known.find(Wanted(state="disputed")).seqs == (bob,)
    assert known.find(Wanted(state="voided")).seqs == (ada,)
    assert known.find(Wanted()).total == 2
    opened.append(messages.Dispute(ada, "0" * 64, "not me", "kiosk"), parts.moment(202))
    assert known.find(Wanted(state="voided")).seqs == (ada,)
    assert [one.seq for one in known.latest(parts.START, parts.START + timedelta(hours=1), 10)["in"][1]] == [bob]


def test_a_correction_stands_at_its_own_time_or_at_that_of_the_punch_it_replaces(opened: journal.Journal) -> None:
    ada, bob = punched(opened, parts.ADA, parts.BOB)
    moved = messages.write_time(parts.START + timedelta(hours=3))
    late = opened.append(
        messages.Correction(parts.ADA, messages.Direction.OUT, moved, ada, "", "forgot", "web:hr"), parts.moment(900)
    )
    same = opened.append(
        messages.Correction(parts.BOB, messages.Direction.OUT, "", bob, "", "wrong way", "web:hr"), parts.moment(901)
    )
    found = {one.seq: one for one in register.Register(opened).find(Wanted(method="office")).punches}
    assert found[late.seq].at == parts.START + timedelta(hours=3)
    assert found[same.seq].at == parts.moment(60).at
    assert register.Register(opened).punch(late.seq) == found[late.seq]
    assert register.Register(opened).punch(1) is None


def test_what_the_journal_has_removed_is_listed_no_more(opened: journal.Journal) -> None:
    punched(opened, *[parts.ADA] * 20)
    known = register.Register(opened)
    assert known.find(Wanted()).total == 20
    head = opened.head()
    server = parts.Server()
    opened.acknowledge(server.acknowledgement(head.epoch, head.seq, head.hash), server.key.public_key(), "")
    assert opened.prune(parts.START + timedelta(minutes=10), 2**40) > 0
    left = known.find(Wanted()).total
    assert 0 < left < 20
    assert left == len(opened.punches(0, 1_000))


def test_a_full_register_of_which_all_was_removed_takes_the_next_punch(
    opened: journal.Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doubling nothing is nothing: the page would have waited for ever."""
    monkeypatch.setattr(register, "FEWEST_ROWS", 4)
    rows = register.Rows()
    punched(opened, *[parts.ADA] * 5)
    first, last = (briefs := opened.brief_punches(0, 10))[:4], briefs[4:]
    rows.extend(first)
    rows.forget_before(last[0].seq)
    assert rows.count == 0
    rows.extend(last)
    assert rows.seq.tolist() == [last[0].seq]
