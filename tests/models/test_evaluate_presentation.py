"""APCER of each species and BPCER: counts by hand, exact limits by their known values, and pages that hold no name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation import limits, presentation
from models.evaluation.about import About
from models.evaluation.errors import TooLittle
from models.evaluation.presentation import Attempt, Outcome

MADE = datetime(2026, 1, 2, tzinfo=UTC)
ABOUT = About("Liveness <b>", MADE, "synced", "a machine", {"daka": "1"}, {"yunet": "0" * 64}, {"a": "b"})


def attempts(species: str, **counts: int) -> list[Attempt]:
    return [Attempt(species, Outcome(outcome)) for outcome, count in counts.items() for _ in range(count)]


MEASURED = presentation.counted(
    [
        *attempts("", live=90, challenged=6, refused=2, not_acquired=2),
        *attempts("print", refused=40, challenged=8, live=1, not_assessed=1, not_acquired=10),
        *attempts("screen", refused=200),
        *attempts("mask", not_acquired=5),
    ],
    "learned",
    3,
    "f" * 64,
)


def test_rates_count_the_walk_ups_that_showed_a_face() -> None:
    assert MEASURED.genuine is not None
    assert (MEASURED.genuine.wrong.events, MEASURED.genuine.wrong.of) == (2, 98)
    assert (MEASURED.genuine.challenged.events, MEASURED.genuine.challenged.of) == (6, 98)
    rows = {row.species: row for row in MEASURED.species}
    assert list(rows) == ["mask", "print", "screen"], "each species by itself"
    assert (rows["print"].wrong.events, rows["print"].wrong.of) == (2, 50)
    assert (rows["print"].not_acquired.events, rows["print"].not_acquired.of) == (10, 60)
    assert rows["mask"].wrong.of == 0


def test_none_of_200_shows_less_than_one_and_a_half_percent_and_no_more() -> None:
    screen = next(row for row in MEASURED.species if row.species == "screen")
    assert screen.wrong.value == 0
    assert 0.0148 < screen.wrong.limits.high < 0.0151


@pytest.mark.parametrize(
    ("events", "of", "low", "high"),
    [(1, 10, 0.002529, 0.445016), (5, 100, 0.016432, 0.112835), (50, 100, 0.398321, 0.601679), (9, 10, 0.554984, 0.997471)],
)
def test_exact_limits_are_those_of_clopper_and_pearson(events: int, of: int, low: float, high: float) -> None:
    found = limits.exact(events, of)
    assert found.low == pytest.approx(low, abs=2e-6)
    assert found.high == pytest.approx(high, abs=2e-6)


@given(st.integers(1, 400), st.data())
def test_exact_limits_hold_the_rate_and_mirror(of: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, of))
    found, mirrored = limits.exact(events, of), limits.exact(of - events, of)
    assert found.low <= events / of <= found.high
    assert found.low == pytest.approx(1 - mirrored.high, abs=1e-9)


def test_the_json_names_counts_limits_the_worst_species_and_what_was_not_measured() -> None:
    plain = presentation.document(MEASURED, ABOUT)
    assert plain["genuine"]["bpcer"]["events"] == 2
    assert {row["species"]: row["apcer"]["events"] for row in plain["species"]} == {"mask": 0, "print": 2, "screen": 0}
    assert plain["apcer_worst_species"] == pytest.approx(0.04)
    assert plain["level"] == "learned"
    assert plain["files_unreadable"] == 3
    assert any("challenge" in note for note in plain["not_measured"])


def test_the_page_shows_the_rates_and_escapes_what_comes_from_outside() -> None:
    odd = presentation.counted([*attempts("<script>x", refused=3), *attempts("", live=2)], "raster", 0, "f" * 64)
    text = presentation.page(odd, ABOUT)
    assert "<script" not in text
    assert "&lt;script&gt;x" in text
    assert "Liveness &lt;b&gt;" in text
    assert "0.0% to 63.2%" in text
    assert "the learned model is not installed" in text
    assert "What was not measured" in text


def test_nothing_shown_is_said_and_not_counted_as_good() -> None:
    with pytest.raises(TooLittle, match="no video or picture could be used"):
        presentation.counted([], "raster", 4, "")
    only_living = presentation.page(presentation.counted(attempts("", live=1), "learned", 0, ""), ABOUT)
    assert "Not measured: no attack was shown" in only_living
