"""A wrong punch is put right by another record: the raw one stays, who and why is on record, and the next direction follows."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import clock, corrections, journal, messages, register
from device.corrections import CorrectionRefused, TooLate
from device.messages import Direction
from device.register import Wanted
from tests.device import parts

IN, OUT = Direction.IN, Direction.OUT


@dataclass
class Office:
    """One journal and whoever corrects it; `at` moves the clock."""

    journal: journal.Journal
    clock: parts.Clock = field(default_factory=parts.Clock)

    def __post_init__(self) -> None:
        self.desk = corrections.Corrections(self.journal, self.clock, lambda: timedelta(seconds=15))

    def punch(self, seconds: float, direction: Direction = IN, person: str = parts.ADA) -> int:
        self.clock.seconds = seconds
        return self.journal.append(parts.punch(person, direction), self.clock.now()).seq

    def at(self, seconds: float) -> corrections.Corrections:
        self.clock.seconds = seconds
        return self.desk

    def counted(self) -> list[tuple[int, Direction, float]]:
        return [(one.seq, one.direction, (one.at.at - parts.START).total_seconds()) for one in self.desk.counted()]

    def last(self, person: str = parts.ADA) -> tuple[int, Direction, float] | None:
        found = self.journal.last_punch(person)
        return None if found is None else (found.seq, found.direction, (found.moment.at - parts.START).total_seconds())


@pytest.fixture
def office(opened: journal.Journal) -> Office:
    return Office(opened)


def test_a_direction_changed_at_once_counts_from_then_on_at_the_time_of_the_punch(office: Office) -> None:
    seq = office.punch(100)
    done = office.at(110).change_direction(seq, "out")
    assert office.counted() == [(done.counts, OUT, 100)]
    assert office.last() == (done.counts, OUT, 100)
    assert [record.kind for record in office.journal.pick([seq, done.void, done.counts])] == ["punch", "void", "correction"]


def test_the_same_direction_again_is_no_change(office: Office) -> None:
    seq = office.punch(100)
    assert office.at(101).change_direction(seq, "in").counts == seq
    assert office.journal.head().seq == seq


def test_a_changed_direction_may_be_changed_back(office: Office) -> None:
    seq = office.punch(100)
    first = office.at(103).change_direction(seq, "out")
    second = office.at(105).change_direction(first.counts, "in")
    assert office.counted() == [(second.counts, IN, 100)]
    with pytest.raises(CorrectionRefused, match="does not count any more"):
        office.desk.change_direction(seq, "out")


def test_a_going_that_was_a_break_is_put_right_at_the_kiosk_and_the_next_punch_comes_back_from_it(office: Office) -> None:
    seq = office.punch(100, OUT)
    done = office.at(105).change_direction(seq, "break")
    assert office.counted() == [(done.counts, Direction.BREAK, 100)]
    assert office.last() == (done.counts, Direction.BREAK, 100)
    assert office.at(106).change_direction(done.counts, "break").counts == done.counts, "the same again is no change"
    undone = office.at(107).change_direction(done.counts, "out")
    assert office.last() == (undone.counts, OUT, 100)


def test_a_forgotten_way_to_a_break_is_added_by_the_office(office: Office) -> None:
    office.punch(100)
    added = office.at(9_000).add(parts.ADA, "break", parts.START + timedelta(seconds=5_000), "forgot", "web:li")
    assert office.counted()[-1] == (added.counts, Direction.BREAK, 5_000)


def test_after_some_seconds_only_the_office_may_change_a_punch(office: Office) -> None:
    seq = office.punch(100)
    with pytest.raises(TooLate):
        office.at(116).change_direction(seq, "out")
    done = office.desk.correct(seq, "out", None, "pressed the wrong button", "web:li")
    assert office.counted() == [(done.counts, OUT, 100)]


def test_a_stepped_wall_clock_gives_nobody_more_time(office: Office) -> None:
    seq = office.journal.append(parts.punch(), parts.moment(100, wall_step_s=3_600)).seq
    with pytest.raises(TooLate):
        office.at(200).change_direction(seq, "out")


def test_a_corrected_time_is_the_time_that_counts(office: Office) -> None:
    seq = office.punch(1_000)
    done = office.at(2_000).correct(seq, "in", parts.START + timedelta(seconds=400), "the gate was blocked", "web:li")
    assert office.counted() == [(done.counts, IN, 400)]
    record = office.journal.pick([done.counts])[0]
    assert (record.body["by"], record.body["reason"], record.body["replaces"]) == ("web:li", "the gate was blocked", seq)


def test_a_forgotten_punch_is_added_and_does_not_displace_a_later_one(office: Office) -> None:
    later = office.punch(5_000, OUT)
    added = office.at(6_000).add(parts.ADA, "in", parts.START + timedelta(seconds=60), "forgot", "web:li")
    assert office.counted() == [(later, OUT, 5_000), (added.counts, IN, 60)]
    assert office.last() == (later, OUT, 5_000)


def test_a_forgotten_punch_is_the_last_one_where_none_is_later(office: Office) -> None:
    office.punch(1_000)
    added = office.at(9_000).add(parts.ADA, "out", parts.START + timedelta(seconds=8_000), "forgot", "web:li")
    assert office.last() == (added.counts, OUT, 8_000)


def test_a_punch_that_counts_already_is_not_added_once_more_and_one_that_was_voided_is(office: Office) -> None:
    at = parts.START + timedelta(seconds=60)
    added = office.at(6_000).add(parts.ADA, "in", at, "forgot", "web:li")
    with pytest.raises(CorrectionRefused, match=f"counts already: record {added.counts}"):
        office.desk.add(parts.ADA, "in", at + timedelta(seconds=20), "forgot", "web:li")
    office.desk.add(parts.BOB, "in", at, "forgot", "web:li")
    office.desk.add(parts.ADA, "out", at, "forgot", "web:li")
    office.desk.void(added.counts, "it was another day", "web:li")
    again = office.desk.add(parts.ADA, "in", at, "it was that day", "web:li")
    assert office.counted()[-1] == (again.counts, IN, 60)


def test_a_punch_of_more_than_a_year_ago_is_a_wrong_year(office: Office) -> None:
    with pytest.raises(CorrectionRefused, match="more than 400 days ago; check the year"):
        office.at(0).add(parts.ADA, "in", parts.START - timedelta(days=401), "forgot", "web:li")


def test_nobody_was_here_tomorrow(office: Office) -> None:
    with pytest.raises(CorrectionRefused, match="not come yet"):
        office.at(0).add(parts.ADA, "in", parts.START + timedelta(days=1), "forgot", "web:li")


def test_a_voided_punch_counts_no_more_and_the_one_before_is_the_last_again(office: Office) -> None:
    first, second = office.punch(100), office.punch(4_000, OUT)
    office.at(5_000).void(second, "a colleague's badge", "web:li")
    assert office.counted() == [(first, IN, 100)]
    assert office.last() == (first, IN, 100)
    office.desk.void(first, "a colleague's badge", "web:li")
    assert office.last() is None


def test_voiding_a_correction_brings_nothing_back(office: Office) -> None:
    seq = office.punch(100)
    done = office.at(105).change_direction(seq, "out")
    office.at(200).void(done.counts, "it was nobody", "web:li")
    assert office.counted() == []
    assert office.last() is None


def test_voiding_a_later_punch_finds_the_corrected_one_before_it(office: Office) -> None:
    first = office.punch(100)
    done = office.at(105).change_direction(first, "out")
    second = office.punch(4_000)
    office.at(5_000).void(second, "nobody", "web:li")
    assert office.last() == (done.counts, OUT, 100)


def test_a_late_correction_of_an_early_punch_is_not_the_last_one(office: Office) -> None:
    early, late, last = office.punch(100), office.punch(300), office.punch(500)
    office.at(600).correct(early, "out", None, "wrong way", "web:li")
    office.desk.void(last, "nobody", "web:li")
    assert office.last() == (late, IN, 300)


def test_a_corrected_way_goes_with_the_punch_whose_time_it_has(office: Office) -> None:
    """Else it would count at the moment at which the office wrote, at which nobody punched."""
    day = 86_400.0
    first = office.punch(0)
    office.at(10 * day).correct(first, "out", None, "went home", "web:li")
    later = office.punch(31 * day)
    parts.acknowledge_all(office.journal)
    office.journal.prune(parts.START + timedelta(days=5), 2**40)
    assert office.counted() == [(later, IN, 31 * day)]
    office.at(31 * day + 60).void(later, "not theirs", "web:li")
    assert office.counted() == []
    assert office.last() is None


def test_a_dispute_deletes_nothing_and_is_noted_once(office: Office) -> None:
    seq = office.punch(100)
    office.at(104).dispute(seq)
    office.desk.dispute(seq)
    (one,) = office.desk.counted()
    assert (one.seq, one.disputed) == (seq, True)
    assert office.journal.head().seq == seq + 1


def test_an_offices_correction_settles_a_dispute_and_ones_own_change_does_not(office: Office) -> None:
    settled = office.punch(100)
    office.at(104).dispute(settled)
    right = office.at(300).correct(settled, "out", None, "was the other way", "web:li").counts
    own = office.punch(400, person=parts.BOB)
    office.at(404).dispute(own)
    changed = office.desk.change_direction(own, "out").counts
    for again in ("break", "out"):
        changed = office.desk.change_direction(changed, again).counts
    assert [(one.seq, one.disputed) for one in office.desk.counted()] == [(right, False), (changed, True)]
    assert {seq: one.disputed for seq, one in office.desk.standing([right, changed]).items()} == {right: False, changed: True}
    known = register.Register(office.journal)
    assert known.find(Wanted(state="disputed")).seqs == (changed,)


def test_a_dispute_that_names_what_the_office_has_replaced_already_is_about_what_stands_there(office: Office) -> None:
    seq = office.punch(100)
    known = register.Register(office.journal)
    known.fill()
    right = office.at(300).correct(seq, "out", None, "wrong way", "web:li").counts
    office.journal.append(messages.Dispute(seq, parts.hash_of(office.journal, seq), "not me", "kiosk"), parts.moment(400))
    assert [(one.seq, one.disputed) for one in office.desk.counted()] == [(right, True)]
    assert known.find(Wanted(state="disputed")).seqs == (right,)


def test_what_was_said_about_punches_can_be_asked_for_also_after_a_restart(office: Office) -> None:
    seqs = [office.punch(100 * number, person=f"p-{number:032x}") for number in (1, 2, 3)]
    done = office.at(301).change_direction(seqs[2], "out")
    office.desk.void(seqs[0], "nobody", "web:li")
    office.desk.dispute(seqs[1])
    for desk in (office.desk, corrections.Corrections(office.journal, office.clock, timedelta)):
        found = desk.standing(seqs)
        assert [(one.voided, one.disputed, one.replaced_by) for one in found.values()] == [
            (True, False, 0),
            (False, True, 0),
            (True, False, done.counts),
        ]


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 201])
def test_a_reason_says_something_and_fits_into_a_record(office: Office, reason: str) -> None:
    seq = office.punch(100)
    for put_right in (office.desk.void, office.desk.dispute):
        with pytest.raises(CorrectionRefused, match="1 to 200 letters"):
            put_right(seq, reason, "web:li")
    with pytest.raises(CorrectionRefused, match="1 to 200 letters"):
        office.desk.correct(seq, "out", None, reason, "web:li")
    with pytest.raises(CorrectionRefused, match="1 to 200 letters"):
        office.at(200).add(parts.ADA, "out", parts.START, reason, "web:li")
    assert office.journal.head().seq == seq


@pytest.mark.parametrize("seq", [1, 99])
def test_only_a_punch_can_be_corrected(office: Office, seq: int) -> None:
    with pytest.raises(CorrectionRefused, match="no punch"):
        office.desk.void(seq, "why", "web:li")


def test_a_direction_is_one_that_there_is(office: Office) -> None:
    with pytest.raises(CorrectionRefused, match="in, out, break or back"):
        office.desk.change_direction(office.punch(1), "sideways")


def test_a_change_made_in_1970_is_read_at_the_right_time_once_there_is_one(opened: journal.Journal) -> None:
    boot = parts.OTHER_BOOT_ID
    early = clock.Moment(messages.read_time("1970-01-01T00:00:20.000000Z"), 20_000_000, boot, clock.Quality.UNSYNCED)

    class Early:
        def now(self) -> clock.Moment:
            return early

    seq = opened.append(parts.punch(), early).seq
    desk = corrections.Corrections(opened, Early(), lambda: timedelta(seconds=15))
    desk.change_direction(seq, "out")
    opened.append(messages.TimeBody(boot, 80_000_000, parts.START, messages.Source.SERVER, 1_000, early.at), early)
    (one,) = desk.counted()
    assert (one.direction, one.at.at) == (OUT, parts.START - timedelta(seconds=60))
    last = opened.last_punch(parts.ADA)
    assert last is not None
    assert last.moment.at == parts.START - timedelta(seconds=60)


def test_a_punch_that_one_vouched_for_is_never_taken_for_ones_own(opened: journal.Journal) -> None:
    own = opened.append(parts.punch(parts.BOB), parts.moment()).seq
    vouched = dataclasses.replace(parts.punch(direction=Direction.OUT), assisted_by=parts.BOB)
    opened.append(vouched, parts.moment(10))
    later = opened.append(parts.punch(parts.BOB, Direction.OUT), parts.moment(20)).seq
    opened.append(messages.Void(later, parts.hash_of(opened, later), "why", "web:li"), parts.moment(30))
    last = opened.last_punch(parts.BOB)
    assert last is not None
    assert (last.seq, last.direction) == (own, Direction.IN)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["punch", "change", "void", "correct", "dispute"]), st.integers(0, 9), st.sampled_from(["in", "out"])
    ),
    max_size=14,
)


@given(STEPS)
def test_the_last_punch_is_always_the_latest_that_counts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("steps")
    office = Office(parts.open_journal(folder))
    raw: list[int] = []
    for number, (act, which, direction) in enumerate(steps):
        office.clock.seconds = 100.0 * (number + 1)
        try:
            if act == "punch":
                raw.append(office.punch(100.0 * (number + 1), Direction(direction)))
            elif raw:
                _amend(office, act, raw[which % len(raw)], direction)
        except CorrectionRefused:
            pass
    counts = office.desk.counted()
    assert {record.seq for record in office.journal.pick(raw)} == set(raw)
    assert len({one.replaces or one.seq for one in counts}) == len(counts) <= len(raw)
    latest = max(counts, key=lambda one: (one.at.at, one.seq), default=None)
    last = office.last()
    assert (last and last[1]) == (latest and latest.direction)
    office.journal.close()


@given(STEPS)
def test_kiosk_register_and_enterprise_agree_on_what_is_disputed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, str]]
) -> None:
    office = Office(parts.open_journal(tmp_path_factory.mktemp("steps")))
    known = register.Register(office.journal)
    for number, (act, which, direction) in enumerate(steps):
        office.clock.seconds = 5.0 * number
        counts = office.desk.counted()
        if act == "punch":
            office.punch(5.0 * number, Direction(direction))
        elif counts:
            with contextlib.suppress(CorrectionRefused):
                _amend(office, act, counts[which % len(counts)].seq, direction)
        known.fill()
    disputed = {one.seq for one in office.desk.counted() if one.disputed}
    assert disputed == set(known.find(Wanted(state="disputed", limit=99)).seqs)
    assert disputed == set(register.Register(office.journal).find(Wanted(state="disputed", limit=99)).seqs)
    standing = office.desk.standing([one.seq for one in office.desk.counted()])
    assert disputed == {seq for seq, one in standing.items() if one.disputed}
    office.journal.close()


def _amend(office: Office, act: str, seq: int, direction: str) -> None:
    if act == "change":
        office.desk.change_direction(seq, direction)
    elif act == "correct":
        office.desk.correct(seq, direction, None, "why", "web:li")
    elif act == "void":
        office.desk.void(seq, "why", "web:li")
    else:
        office.desk.dispute(seq)


def test_nobodys_change_at_the_kiosk_waits_while_the_office_enters_a_punch(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the punch is there already stands in the whole journal, and reading that takes seconds."""
    seq = office.punch(100)
    reads, may_end = threading.Event(), threading.Event()

    def slowly(_: str) -> list[dict[str, Any]]:
        reads.set()
        assert may_end.wait(10)
        return []

    monkeypatch.setattr(office.journal, "about", slowly)
    adding = threading.Thread(target=office.at(110).add, args=(parts.BOB, "in", parts.moment(50).at, "forgot", "web: amt"))
    adding.start()
    assert reads.wait(10)
    changing = threading.Thread(target=office.desk.change_direction, args=(seq, "out"), daemon=True)
    changing.start()
    changing.join(5)
    waited = changing.is_alive()
    may_end.set()
    adding.join()
    assert not waited
