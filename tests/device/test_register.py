"""The register lists what the journal holds, by the times as they should be read."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device import attend, journal, messages, register
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


POLICY = attend.Policy(timedelta(0), timedelta(hours=14), True, longest_break=timedelta(hours=2))


def where(known: register.Register, hours: float, most: int | None = None) -> register.Whereabouts:
    """So many hours after the start; the day began half an hour before it."""
    day, now = parts.START - timedelta(minutes=30), parts.START + timedelta(hours=hours)
    return known.whereabouts(day, now, lambda way: attend.holds_for(way, POLICY), most)


def test_the_latest_punch_of_each_says_who_is_in(opened: journal.Journal) -> None:
    _, bob = punched(opened, parts.ADA, parts.BOB)
    opened.append(parts.punch(parts.ADA, messages.Direction.OUT), parts.moment(500))
    found = where(register.Register(opened), 1.0)
    assert (found.inside.seqs, found.resting.seqs, found.gone) == ((bob,), (), 1)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.floats(60, 6 * 3_600), st.sampled_from(list(messages.Direction))), max_size=5))
def test_the_list_of_who_is_where_says_what_the_kiosk_would_say(days: list[tuple[float, messages.Direction]]) -> None:
    """One function decides both: at any hour, also over midnight, also after a break that never ended."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(parts.open_journal(Path(folder))) as opened:
        known, now_s = register.Register(opened), 0.0
        for pause_s, way in days:
            now_s += pause_s
            opened.append(parts.punch(parts.ADA, way), parts.moment(now_s))
            for later_s in (0.0, 3_600.0, 7_199.0, 7_200.0, 50_399.0, 50_400.0):
                last, now = opened.last_punch(parts.ADA), parts.moment(now_s + later_s)
                found = where(known, (now_s + later_s) / 3_600)
                assert bool(found.inside.total) is attend.is_inside(last, now, POLICY)
                assert bool(found.resting.total) is attend.is_on_break(last, now, POLICY)


def test_whoever_went_before_the_day_began_is_not_told_as_gone(opened: journal.Journal) -> None:
    opened.append(parts.punch(parts.ADA, messages.Direction.OUT), parts.moment(3_600))
    opened.append(parts.punch(parts.BOB), parts.moment(7_200))
    midnight = parts.START + timedelta(hours=8)
    found = register.Register(opened).whereabouts(midnight, midnight, lambda way: attend.holds_for(way, POLICY))
    assert (found.gone, found.inside.total) == (0, 1), "a night shift is still in"


def test_of_a_crowd_the_earliest_are_listed_and_all_are_counted(opened: journal.Journal) -> None:
    seqs = [opened.append(parts.punch(f"p-{number:032x}"), parts.moment(number)).seq for number in range(30)]
    opened.append(parts.punch("p-" + "0" * 32), parts.moment(100))
    found = where(register.Register(opened), 1.0, 5).inside
    assert (found.total, list(found.seqs)) == (30, seqs[1:6]), "whoever punched again stands where the latest punch is"


@pytest.mark.parametrize("sort", register.SORTS)
def test_punches_are_sorted_by_each_column_and_by_their_times_within_it(opened: journal.Journal, sort: str) -> None:
    ways = (messages.Direction.OUT, messages.Direction.IN, messages.Direction.BREAK)
    people = (parts.BOB, parts.ADA)
    for place in range(12):
        opened.append(parts.punch(people[place % 2], ways[place % 3]), parts.moment(60 * place))
    opened.append(messages.Void(5, "0" * 64, "a mistake", "web:hr"), parts.moment(900))
    ranks = {parts.BOB: 0}
    known = register.Register(opened)
    found = known.find(Wanted(sort=sort, ranks=ranks, descending=False, limit=100)).punches
    keys = {
        "at": lambda one: (one.at,),
        "seq": lambda one: (one.seq,),
        "person": lambda one: (ranks.get(one.person, 1), one.at),
        "direction": lambda one: (one.direction, one.at),
        "method": lambda one: (one.at,),
        "quality": lambda one: (one.quality, one.at),
        "state": lambda one: (register.STATES.index(one.state), one.at),
    }
    assert len(found) == 12
    assert list(found) == sorted(found, key=keys[sort])
    back = known.find(Wanted(sort=sort, ranks=ranks, limit=100)).punches
    assert back == found[::-1]


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
    assert where(known, 1.0).inside.seqs == (bob,)


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
    parts.acknowledge_all(opened)
    assert opened.prune(parts.START + timedelta(minutes=10), 2**40) > 0
    left = known.find(Wanted()).total
    assert 0 < left < 20
    assert left == len(opened.punches(0, 1_000))


def test_a_correction_of_the_way_alone_goes_with_the_punch_whose_time_it_has(opened: journal.Journal) -> None:
    """The kiosk does not know any more when that was, and nobody punched at the moment at which the office wrote."""
    came, moved, day = *punched(opened, parts.ADA, parts.BOB), 86_400.0
    wrong = messages.Correction(parts.ADA, messages.Direction.OUT, "", came, "", "wrong way", "web:hr")
    first = opened.append(wrong, parts.moment(10 * day)).seq
    opened.append(dataclasses.replace(wrong, direction=messages.Direction.IN, replaces=first), parts.moment(11 * day))
    stated = messages.write_time(parts.START + timedelta(hours=3))
    said = opened.append(dataclasses.replace(wrong, punched_at=stated, replaces=moved), parts.moment(12 * day)).seq
    again = opened.append(dataclasses.replace(wrong, replaces=said), parts.moment(13 * day)).seq
    punched(opened, parts.BOB, start_s=31 * day)
    running = register.Register(opened)
    assert running.find(Wanted()).total == 7
    parts.acknowledge_all(opened)
    for days, kept in ((5, [said, again]), (12.5, [])):
        opened.prune(parts.START + timedelta(days=days), 2**40)
        for known in (running, register.Register(opened)):
            found = known.find(Wanted(method="office", descending=False)).punches
            assert [(one.seq, one.at - parts.START) for one in found] == [(seq, timedelta(hours=3)) for seq in kept]
        assert running.find(Wanted()) == register.Register(opened).find(Wanted())


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
