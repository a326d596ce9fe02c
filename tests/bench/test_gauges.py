"""Gauges: their limits, what cannot be measured, and that what they measure with is able to find a fault."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from bench import crowd, marked, registry, report, run
from bench.families import gallery, peers
from bench.registry import Gauge, Reading, Setting, Statistic, Unmeasured
from device import keys, people, state
from device.page import mirror
from models import match

SETTING = Setting(Path("weights"), Path("scratch"))


def gauge(statistic: Statistic, at_most: float | None) -> Gauge:
    return Gauge("test", "something", "ms", "ours", "theirs", statistic, at_most, lambda setting: Reading((1.0,), ()))


@pytest.mark.parametrize(
    ("statistic", "at_most", "good"),
    [
        (Statistic.MEDIAN, 3.0, True),
        (Statistic.P95, 3.0, False),
        (Statistic.MAXIMUM, 99.0, False),
        (Statistic.MAXIMUM, 100.0, True),
        (Statistic.MEDIAN, None, False),
    ],
)
def test_a_gauge_is_held_to_its_limit_or_to_the_peer(statistic: Statistic, at_most: float | None, good: bool) -> None:
    reading = Reading((*[1.0] * 10, *[3.0] * 8, 50.0, 100.0), (0.5,))
    assert report.accepted((gauge(statistic, at_most), reading)) is good
    assert run.missed([(gauge(statistic, at_most), reading)]) == (not good)


def test_ninety_five_of_a_hundred_values_lie_at_or_below_the_95th_percentile() -> None:
    assert registry.percentile([float(value) for value in range(1, 101)], 0.95) == 95.0
    assert registry.percentile([7.0], 0.95) == 7.0


def test_what_could_not_be_measured_is_said_with_its_reason_and_counts_as_nothing() -> None:
    results: list[report.Result] = [(gauge(Statistic.MEDIAN, 1.0), Unmeasured("there is no g++"))]
    out = io.StringIO()
    Console(file=out, width=200).print(report.table(results, {"cores": 2}))
    assert "not measured here: there is no g++" in out.getvalue()
    assert run.missed(results) == 0
    (row,) = report.document(results, {})["unmeasured"]
    assert row["why"] == "there is no g++"


def test_people_made_in_bulk_are_those_that_the_kiosk_opens(tmp_path: Path) -> None:
    folder = state.Folder(tmp_path / "kiosk")
    vectors = crowd.fill(folder, "e" * 64, 30)
    directory = people.Directory(folder.people, keys.wrapping_key(folder.keys))
    opened = directory.templates("e" * 64)
    directory.close()
    assert [person for person, _ in opened.whole] == [crowd.person(number) for number in range(30)]
    np.testing.assert_array_equal(np.stack([vector for _, vector in opened.whole]), vectors)


def test_a_search_that_names_somebody_else_ends_the_measurement() -> None:
    stay = crowd.vectors(10)
    found = match.Gallery.of([(f"p{number}", vector) for number, vector in enumerate(stay)])
    names = [f"p{number}" for number in range(10)]
    right = gallery.Watch(lambda probe: gallery._named(match.best(found, probe)), stay, names)
    gallery.watched(right, lambda: until(lambda: len(right.gaps_ms) > 10))
    wrong = gallery.Watch(lambda probe: gallery._named(match.best(found, probe)), stay, [*names[1:], names[0]])
    with pytest.raises(AssertionError, match="somebody else"):
        gallery.watched(wrong, lambda: until(lambda: wrong.wrong > 0))


def until(done: Callable[[], bool]) -> None:
    """Until the searches beside this have come so far."""
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_errors_are_counted_at_the_threshold_of_the_other_half() -> None:
    random = np.random.default_rng(1)
    names = [f"p{number // 3}" for number in range(90)]
    centres = np.repeat(random.standard_normal((30, 128)), 3, axis=0)
    near = list(centres + 0.1 * random.standard_normal(centres.shape))
    assert peers.errors(names, [*near]) == (0.0, 0.0)
    missing = [None if number == 0 else vector for number, vector in enumerate(near)]
    assert 0 < max(peers.errors(names, missing)) < 10
    assert min(peers.errors(names, list(random.standard_normal((90, 128))))) > 20


@pytest.mark.parametrize("now_ms", [0, 1, 1_764_200_000_123, 2**32 - 1, 2**40 + 5])
def test_the_time_that_is_drawn_into_a_frame_is_read_from_its_jpeg(now_ms: int) -> None:
    hall = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    drawn = marked.marked(hall, now_ms)
    _, jpeg = cv2.imencode(".jpg", drawn, (cv2.IMWRITE_JPEG_QUALITY, mirror.QUALITY))
    row = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)[marked.FIELD_PX // 2]  # type: ignore[index]
    fields = row[marked.FIELD_PX // 2 :: marked.FIELD_PX] > 127
    assert int("".join("01"[int(field)] for field in fields), 2) == now_ms % 2**32
    assert (drawn[marked.FIELD_PX :] == hall[marked.FIELD_PX :]).all()
