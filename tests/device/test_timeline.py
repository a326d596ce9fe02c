"""The correction of times, as pure functions: whatever clocks and anchors do, order stays, originals stay, and bounds hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import messages
from device.messages import Anchor, Quality, Source, Stamp, timeline
from tests.device import parts

EPOCH = "e" * 32
ONE, TWO, THREE = (f"{number}" * 8 + "-0000-4000-8000-" + f"{number}" * 12 for number in (1, 2, 3))
START_US = timeline.microseconds(parts.START)
HOUR_US = 3_600_000_000


def stamp(boot_id: str, monotonic_us: int, wall_us: int, quality: str = "unsynced") -> Stamp:
    return Stamp(timeline.moment(wall_us), boot_id, monotonic_us, quality)


def anchor(boot_id: str, monotonic_us: int, utc_us: int, source: Source = Source.SERVER, uncertainty_us: int = 20_000) -> Anchor:
    return Anchor(boot_id, monotonic_us, utc_us, source, uncertainty_us)


def boot(boot_id: str, first_seq: int, wall_us: int, lasts_us: int = HOUR_US, quality: str = "unsynced") -> timeline.Boot:
    return timeline.Boot(boot_id, first_seq, wall_us, 0, quality, lasts_us)


def test_an_anchor_corrects_what_came_before_it_and_after_it() -> None:
    line = timeline.of([], [anchor(ONE, 60_000_000, START_US)])
    for seconds in (0, 30, 60, 3_600):
        found = line.correct(stamp(ONE, seconds * 1_000_000, seconds * 1_000_000))
        assert found.at == parts.START + timedelta(seconds=seconds - 60)
        assert (found.quality, found.review) == (Quality.CORRECTED, False)


def test_a_wall_clock_that_is_right_stays_synced_and_one_that_claims_to_be_is_corrected() -> None:
    line = timeline.of([], [anchor(ONE, 0, START_US)])
    assert line.correct(stamp(ONE, 5, START_US + 5, "synced")) == messages.Corrected(timeline.moment(START_US + 5), Quality.SYNCED)
    wrong = line.correct(stamp(ONE, 5, START_US + HOUR_US, "synced"))
    assert (wrong.at, wrong.quality) == (timeline.moment(START_US + 5), Quality.CORRECTED)


def test_between_two_anchors_a_drifting_crystal_is_shared_out() -> None:
    drift_us = 2_880_000  # 100 ppm in eight hours
    line = timeline.of([], [anchor(ONE, 0, START_US), anchor(ONE, 8 * HOUR_US, START_US + 8 * HOUR_US + drift_us)])
    assert line.correct(stamp(ONE, 4 * HOUR_US, 0)).at == timeline.moment(START_US + 4 * HOUR_US + drift_us // 2)
    assert line.correct(stamp(ONE, 8 * HOUR_US, 0)).at == timeline.moment(START_US + 8 * HOUR_US + drift_us)


def test_the_server_is_believed_before_ntp_and_ntp_before_a_person() -> None:
    hour_wrong = anchor(ONE, 1_000_000, START_US + HOUR_US, Source.NTP)
    person = anchor(ONE, 2_000_000, START_US + 2 * HOUR_US, Source.OPERATOR)
    server = anchor(ONE, 0, START_US)
    assert timeline.consistent([hour_wrong, person, server]) == (server,)
    assert timeline.consistent([hour_wrong, person]) == (hour_wrong,)


def test_of_two_answers_of_the_server_the_later_one_is_believed() -> None:
    before, after = anchor(ONE, 0, START_US), anchor(ONE, 60_000_000, START_US + HOUR_US)
    assert timeline.consistent([before, after]) == (after,)


def test_a_coarse_answer_counts_only_while_there_is_no_fine_one() -> None:
    coarse = anchor(ONE, 0, START_US, uncertainty_us=20_000_000)
    fine = anchor(ONE, HOUR_US, START_US + HOUR_US + 9_000_000, Source.NTP)
    assert timeline.consistent([coarse]) == (coarse,)
    assert timeline.consistent([coarse, fine]) == (fine,)


def test_a_boot_without_time_is_bounded_by_its_neighbours_and_marked_for_review() -> None:
    boots = [boot(ONE, 1, 0), boot(TWO, 10, 0), boot(THREE, 20, 0)]
    line = timeline.of(boots, [anchor(ONE, 0, START_US), anchor(THREE, 0, START_US + 10 * HOUR_US)])
    found = line.correct(stamp(TWO, HOUR_US // 2, HOUR_US // 2))
    assert found.review
    assert found.quality is Quality.UNSYNCED
    assert found.earliest == timeline.moment(START_US + HOUR_US + HOUR_US // 2)
    assert found.latest == timeline.moment(START_US + 9 * HOUR_US + HOUR_US // 2)
    assert found.earliest <= found.at <= found.latest


def test_a_plausible_wall_clock_is_kept_within_the_bounds_but_reviewed_all_the_same() -> None:
    wall_us = START_US + 5 * HOUR_US
    boots = [boot(ONE, 1, 0), boot(TWO, 10, wall_us), boot(THREE, 20, 0)]
    line = timeline.of(boots, [anchor(ONE, 0, START_US), anchor(THREE, 0, START_US + 10 * HOUR_US)])
    found = line.correct(stamp(TWO, 0, wall_us))
    assert (found.at, found.review) == (timeline.moment(wall_us), True)


def test_a_boot_without_any_neighbour_keeps_its_own_word() -> None:
    found = timeline.of([boot(ONE, 1, 7)], []).correct(stamp(ONE, 0, 7))
    assert (found.at, found.review, found.earliest, found.latest) == (timeline.moment(7), True, None, None)


def test_a_first_boot_that_stood_at_1970_is_put_before_the_first_known_one() -> None:
    line = timeline.of([boot(ONE, 1, 0), boot(TWO, 9, 0)], [anchor(TWO, 0, START_US)])
    found = line.correct(stamp(ONE, HOUR_US, HOUR_US))
    assert found.at == found.latest == parts.START
    assert found.earliest is None


def test_an_anchor_beyond_the_calendar_stops_nothing() -> None:
    line = timeline.of([], [anchor(ONE, 0, timeline.LAST_US)])
    assert line.correct(stamp(ONE, 2**53 - 1, 0)).at == datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


anchors = st.lists(
    st.builds(
        Anchor,
        st.sampled_from([ONE, TWO]),
        st.integers(0, 10**12),
        st.integers(START_US - 10**12, START_US + 2 * 10**12),
        st.sampled_from(Source),
        st.sampled_from([0, 20_000, 900_000, 5_000_000]),
    ),
    max_size=8,
)


@given(anchors, st.lists(st.integers(0, 10**12), min_size=2, max_size=12))
def test_within_a_boot_no_anchors_however_wrong_turn_the_order_round(found: list[Anchor], at: list[int]) -> None:
    line = timeline.of([boot(ONE, 1, START_US)], found)
    times = [line.correct(stamp(ONE, monotonic_us, START_US)).at for monotonic_us in sorted(at)]
    assert times == sorted(times)


@given(anchors, st.randoms(use_true_random=False))
def test_it_does_not_matter_in_which_order_anchors_arrive(found: list[Anchor], random: object) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert timeline.of([], mixed) == timeline.of([], found)


@given(anchors, st.integers(0, 10**12), st.integers(0, 10**15), st.sampled_from(["synced", "corrected", "unsynced"]))
def test_correcting_what_was_corrected_changes_nothing(found: list[Anchor], monotonic_us: int, wall_us: int, quality: str) -> None:
    line = timeline.of([boot(ONE, 1, wall_us), boot(TWO, 5, wall_us)], found)
    said = stamp(ONE, monotonic_us, wall_us, quality)
    once = line.correct(said)
    again = line.correct(replace(said, at=once.at))
    assert again.at == once.at


@st.composite
def days(draw: st.DrawFn) -> tuple[list[tuple[Stamp, int]], list[Anchor]]:
    """Records of some boots with their true times: each wall clock wrong in its own way, some boots never told the time."""
    records, known, now_us = [], [], START_US
    for number in range(draw(st.integers(1, 6))):
        boot_id = f"{number:08x}-0000-4000-8000-000000000000"
        now_us += draw(st.integers(0, 10 * HOUR_US))
        wall_us = draw(st.sampled_from([0, now_us, now_us - HOUR_US, now_us + HOUR_US]))
        counted = sorted(draw(st.sets(st.integers(0, 12 * HOUR_US), min_size=1, max_size=6)))
        records += [(stamp(boot_id, at, wall_us + at), now_us + at) for at in counted]
        if draw(st.booleans()):
            at = draw(st.integers(0, 12 * HOUR_US))
            known.append(anchor(boot_id, at, now_us + at, uncertainty_us=0))
        now_us += counted[-1]
    return records, known


@given(days())
def test_whatever_the_wall_clocks_said_known_times_are_right_unknown_ones_bounded_and_all_in_order(
    day: tuple[list[tuple[Stamp, int]], list[Anchor]],
) -> None:
    records, known = day
    boots: dict[str, timeline.Boot] = {}
    for seq, (said, _) in enumerate(records, start=1):
        fresh = timeline.begun(seq, said)
        boots[said.boot_id] = timeline.merged(boots[said.boot_id], fresh) if said.boot_id in boots else fresh
    line = timeline.of(boots.values(), known)
    anchored = {one.boot_id for one in known}
    found = [line.correct(said) for said, _ in records]
    for (said, true_us), right in zip(records, found, strict=True):
        assert right.review is (said.boot_id not in anchored)
        if not right.review:
            assert right.at == timeline.moment(true_us)
        assert right.earliest is None or right.earliest <= timeline.moment(true_us)
        assert right.latest is None or timeline.moment(true_us) <= right.latest
        assert right.earliest is None or right.earliest <= right.at
        assert right.latest is None or right.at <= right.latest
    if known:
        first = min(seq for seq, (said, _) in enumerate(records) if said.boot_id in anchored)
        times = [right.at for right in found[first:]]
        assert times == sorted(times)


def test_whoever_holds_the_records_alone_computes_the_same_and_changes_none() -> None:
    records = []
    prev = messages.GENESIS_PREV
    bodies: list[messages.Body] = [parts.punch(), messages.TimeBody(ONE, 30, parts.START, Source.SERVER, 5, parts.START)]
    for seq, body in enumerate(bodies, start=1):
        record = messages.write_record(parts.DEVICE, EPOCH, seq, prev, stamp(ONE, seq * 10, seq * 10), body)
        records.append(record)
        prev = record.hash.hex()
    before = [record.text for record in records]
    line = timeline.read(records)
    assert line.correct(records[0].stamp).at == timeline.moment(START_US - 20)
    assert [record.text for record in records] == before


@pytest.mark.parametrize("quality", ["synced", "corrected"])
def test_a_record_whose_anchor_is_lost_keeps_its_own_time(quality: str) -> None:
    found = timeline.of([], []).correct(stamp(ONE, 5, START_US, quality))
    assert found == messages.Corrected(parts.START, Quality(quality))
