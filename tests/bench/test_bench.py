"""The harness tells a slower thing from a faster one, and says so in the table and in the JSON."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import measure, registry
from bench.measure import Comparison
from bench.registry import Pair

REPO = Path(__file__).resolve().parents[2]


def test_what_takes_three_times_as_long_has_a_ratio_of_about_three(monkeypatch: pytest.MonkeyPatch) -> None:
    now, chance = [0.0], random.Random(1)

    def takes(seconds: float) -> None:
        now[0] += seconds * chance.uniform(0.8, 1.2)

    monkeypatch.setattr(measure, "time", SimpleNamespace(perf_counter=lambda: now[0]))  # no other work of the machine in it
    found = measure.compare(Pair(lambda: takes(0.006), lambda: takes(0.002)), seconds=0.3)
    assert found.ratio == pytest.approx(3, rel=0.1)
    low, high = found.quartiles
    assert low <= found.ratio <= high


def test_ours_and_the_peer_take_turns() -> None:
    calls: list[str] = []

    def call(name: str) -> None:
        calls.append(name)
        time.sleep(0.012)

    measure.compare(Pair(lambda: call("ours"), lambda: call("peer")), seconds=0.01)
    rounds = list(zip(calls[10::2], calls[11::2], strict=True))
    assert len(rounds) == measure.LEAST_ROUNDS
    assert rounds[:4] == [("ours", "peer"), ("peer", "ours"), ("ours", "peer"), ("peer", "ours")]


def test_the_ratio_is_that_of_neighbours() -> None:
    assert Comparison((1.0, 20.0, 3.0), (2.0, 40.0, 6.0)).ratios == (0.5, 0.5, 0.5)


def test_every_number_has_a_peer_and_a_name_of_its_own() -> None:
    numbers = registry.measurements()
    assert len({(number.family, number.name) for number in numbers}) == len(numbers) >= 4
    assert all(number.peer and number.ours and (number.at_most is None or number.at_most > 0) for number in numbers)


def test_one_family_is_measured_and_written_as_json(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "bench.json"
    command = [sys.executable, "-m", "bench", "--only", "recognition", "--seconds", "0.1", "--output", str(output)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(output.read_text())
    assert document["machine"]["threads used"] == 1
    names = [row["name"] for row in document["numbers"]]
    assert "align + embed one face" in names
    assert all(name.split()[0] in done.stdout for name in names)
    assert all(len(row["samples_ms"]["ours"]) >= measure.LEAST_ROUNDS for row in document["numbers"])


def test_an_unknown_family_is_answered_with_the_known_ones() -> None:
    command = [sys.executable, "-m", "bench", "--only", "nonsense"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "recognition" in done.stderr
