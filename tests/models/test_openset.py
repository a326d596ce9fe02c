"""From an error rate and a number of people to a threshold: never lower than measured, never promised beyond it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import manifest, openset
from models.openset import Bound

BOUNDS = (Bound(0.4, 1e-2), Bound(0.5, 1e-4))
RATES = st.floats(1e-6, 0.9)
PEOPLE = st.integers(1, 200_000)


def test_a_thousand_comparisons_at_one_in_ten_thousand_name_a_stranger_in_about_ten_of_a_hundred_searches() -> None:
    assert openset.false_positives(1e-4, 1_000) == pytest.approx(1 - (1 - 1e-4) ** 1_000)
    assert openset.tolerated(openset.false_positives(1e-4, 1_000), 1_000) == pytest.approx(1e-4)


def test_between_two_measured_thresholds_the_limit_lies_on_the_line_through_them() -> None:
    assert openset.threshold(BOUNDS, rate=1e-3, people=1) == pytest.approx(0.45)


def test_beyond_the_last_measured_threshold_nothing_is_promised() -> None:
    assert openset.threshold(BOUNDS, rate=0.05, people=10_000) is None
    assert openset.threshold((), rate=0.5, people=1) is None


@given(RATES, PEOPLE)
def test_a_threshold_that_is_offered_keeps_the_rate_and_grows_with_the_gallery(rate: float, people: int) -> None:
    found, more = openset.threshold(BOUNDS, rate, people), openset.threshold(BOUNDS, rate, people + 1)
    if found is None:
        assert more is None
        return
    assert BOUNDS[0].threshold <= found <= BOUNDS[-1].threshold
    assert more is None or more >= found


@given(RATES)
def test_the_largest_gallery_is_the_last_one_with_a_threshold(rate: float) -> None:
    most = openset.most_people(BOUNDS, rate)
    assert (openset.threshold(BOUNDS, rate, most) is not None) == (most > 0)
    assert openset.threshold(BOUNDS, rate, most + 2) is None


@given(st.lists(st.builds(Bound, st.floats(-0.9, 0.9), st.floats(0, 1)), max_size=8))
def test_a_higher_threshold_never_has_a_higher_limit_once_checked(bounds: list[Bound]) -> None:
    for low, high in itertools.pairwise(openset.checked(bounds)):
        assert low.threshold <= high.threshold
        assert low.false_match_rate >= high.false_match_rate


def test_with_the_shipped_measurements_a_search_of_three_thousand_people_is_not_offered() -> None:
    calibration = manifest.load().calibration
    assert calibration is not None
    assert openset.threshold(calibration.limits, 0.05, 3_000) is None
    assert 300 < openset.most_people(calibration.limits, 0.05) < 400


@given(st.floats(1e-4, 0.9), st.integers(1, 40), st.integers(1, 8))
def test_an_attempt_of_several_looks_names_no_more_strangers_than_was_chosen(rate: float, looks: int, votes: int) -> None:
    """The worst that looks may do together: whenever one is false, just as many are as it takes."""
    a_look = openset.a_look(rate, looks, votes)
    assert a_look <= rate
    worst = a_look * looks / votes  # attempts with exactly `votes` false looks each
    assert worst <= rate * 1.000001 or looks < votes


def test_of_two_measurements_the_one_that_supports_more_is_gone_by() -> None:
    wide, narrow = openset.OfPairs((Bound(0.45, 1e-3), Bound(0.6, 1e-4))), openset.OfPairs((Bound(0.45, 1e-5),), most=100)
    assert openset.supported((wide, narrow), 0.05, 100) == 0.45
    assert openset.supported((wide, narrow), 0.05, 101) == pytest.approx(openset.threshold(wide.bounds, 0.05, 101) or 0)
    assert openset.largest((wide, narrow), 0.05) == openset.most_people(wide.bounds, 0.05)
    assert openset.supported((), 0.05, 1) is None


def test_searches_that_named_few_strangers_support_galleries_up_to_their_own_size_from_that_threshold_on() -> None:
    found = openset.OfSearches((Bound(0.45, 0.2), Bound(0.5, 0.04)), people=80)
    assert found.threshold(0.05, 80) == 0.5
    assert found.threshold(0.05, 81) is None
    assert (found.most_people(0.05), found.most_people(0.01)) == (80, 0)


def test_a_site_that_saw_more_false_matches_than_the_shipped_limits_allow_contradicts_them() -> None:
    assert openset.contradicts([Bound(0.45, 1.1e-3)], BOUNDS) is (openset.limit_at(BOUNDS, 0.45) < 1.1e-3)
    assert openset.limit_at(BOUNDS, 0.45) == pytest.approx(1e-3)
    assert openset.limit_at(BOUNDS, 0.39) == 1.0
    assert openset.limit_at(BOUNDS, 0.9) == 1e-4
    assert not openset.contradicts([Bound(0.45, 9e-4), Bound(0.6, 5e-5)], BOUNDS)
