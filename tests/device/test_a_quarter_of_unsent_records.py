"""1,000 people, 4 punches a day, 90 days without the server: 360,000 unsent records, and the kiosk as quick as ever."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from pathlib import Path

import pytest

from device import journal
from tests.device import parts

PEOPLE, PUNCHES_A_DAY, DAYS = 1_000, 4, 90
RECORDS = PEOPLE * PUNCHES_A_DAY * DAYS
MOST_MEGABYTES = 450  # docs/operations.md says how much disk to keep free


def fill_quickly(opened: journal.Journal, count: int) -> None:
    """A thousand records a commit: otherwise most of the test is syncs."""
    for first in range(0, count, 1_000):
        punches = [parts.punch(f"p-{number % PEOPLE:032x}", site="Main gate, Building 4") for number in range(1_000)]
        opened.append_all(punches[: count - first], parts.moment(float(first)))


def appends_ms(opened: journal.Journal, first: int) -> float:
    """Median milliseconds of a single durable append."""
    found = []
    for number in range(first, first + 100):
        began = time.perf_counter()
        opened.append(parts.punch(), parts.moment(float(number)))
        found.append((time.perf_counter() - began) * 1e3)
    return statistics.median(found)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_quarter_without_the_server_loses_nothing_and_slows_nothing_down(tmp_path: Path) -> None:
    opened = parts.open_journal(tmp_path)
    empty_ms = appends_ms(opened, 0)
    fill_quickly(opened, RECORDS)
    full_ms = appends_ms(opened, RECORDS)
    assert full_ms < 3 * empty_ms + 1, f"{empty_ms:.2f} ms with an empty journal, {full_ms:.2f} ms with a full one"
    assert opened.prune(parts.START + timedelta(days=400), most_bytes=0) == 0, "nothing of it was signed for"
    opened.close()
    opened._database.checkpoint()
    size = (tmp_path / "journal.db").stat().st_size
    assert size < MOST_MEGABYTES * 2**20, f"{size / 2**20:.0f} MB"
    began = time.perf_counter()
    again = parts.open_journal(tmp_path)
    started_s = time.perf_counter() - began
    assert started_s < 30, f"the check at start took {started_s:.1f} s"
    head = again.head()
    assert (head.kept_from, head.acknowledged) == (1, 0)
    assert head.seq == RECORDS + 201
    after = 0
    while stretch := again.stretch(after):
        assert stretch.first == after + 1
        after = stretch.last
    assert after == head.seq
    again.close()
