"""Both sides of a change on record."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device import audits


def test_what_is_short_stands_as_it_is() -> None:
    assert audits.sides("attend.min_gap_s", 60.0, 120.0) == ("attend.min_gap_s = 60.0", "attend.min_gap_s = 120.0")


def test_long_values_are_cut_around_what_changed() -> None:
    plan = "; ".join(f"s{number} 08:00-17:00" for number in range(60))
    before, after = audits.sides("attend.shifts", plan, plan.replace("s58 08:00", "s58 09:00"))
    assert "s58 08:00" in before
    assert "s58 09:00" in after
    assert before.startswith("attend.shifts = …")


@given(st.text(max_size=1200), st.text(max_size=1200), st.text(max_size=700))
def test_sides_that_differ_differ_on_record_and_fit(before: str, after: str, same: str) -> None:
    told = audits.sides("a.b", same + before, same + after)
    assert (told[0] == told[1]) == (before == after)
    assert max(map(len, told)) <= audits.MOST_LETTERS
