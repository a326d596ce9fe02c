"""What a number is, and which there are. Nothing is measured here."""

from __future__ import annotations

import enum
import importlib
import math
import pkgutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from bench import families


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a number finds the verified weights, an empty folder of its own, and the folder in which peers are installed.

    `faces`: labelled photographs, one folder a person, for what is measured on people; None where nobody named any.
    """

    weights: Path
    scratch: Path
    peers: Path = Path("build/peers")
    faces: Path | None = None


class Unmeasured(Exception):
    """A number that cannot be had on this machine; the text says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One call of ours and one of the peer, doing the same work."""

    ours: Callable[[], object]
    peer: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Number:
    """One measurement: what is ours, what is the peer, and the highest ratio of their times that we accept."""

    family: str
    name: str
    ours: str
    peer: str
    at_most: float
    prepared: Callable[[Setting], AbstractContextManager[Pair]]


class Statistic(enum.StrEnum):
    """What of many values counts."""

    MEDIAN = "median"
    P95 = "95th percentile"
    MAXIMUM = "maximum"

    def of(self, values: Sequence[float]) -> float:
        """That value."""
        if self is Statistic.MAXIMUM:
            return max(values)
        return statistics.median(values) if self is Statistic.MEDIAN else percentile(values, 0.95)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read off: values in the gauge's unit, of ours and of the peer; `said`: what else whoever reads it has to know."""

    ours: tuple[float, ...]
    peer: tuple[float, ...]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A measurement that is no time beside a time: memory, a share of a processor, a delay under load.

    `at_most` is absolute; None asks for no more than the peer's.
    """

    family: str
    name: str
    unit: str
    ours: str
    peer: str
    statistic: Statistic
    at_most: float | None
    read: Callable[[Setting], Reading]


def gauge(
    *, family: str, name: str, unit: str, ours: str, peer: str, at_most: float | None, statistic: Statistic = Statistic.MEDIAN
) -> Callable[[Callable[[Setting], Reading]], Gauge]:
    """Makes a gauge of a function that gives one Reading."""

    def wrap(function: Callable[[Setting], Reading]) -> Gauge:
        return Gauge(family, name, unit, ours, peer, statistic, at_most, function)

    return wrap


def number(
    *, family: str, name: str, ours: str, peer: str, at_most: float
) -> Callable[[Callable[[Setting], Iterator[Pair]]], Number]:
    """Makes a number of a function that yields one Pair."""

    def wrap(function: Callable[[Setting], Iterator[Pair]]) -> Number:
        return Number(family, name, ours, peer, at_most, contextmanager(function))

    return wrap


def measurements(package: ModuleType = families) -> tuple[Number | Gauge, ...]:
    """Every number and gauge of every module in `bench/families`, in the order of their files."""
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Number | Gauge))
