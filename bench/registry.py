"""What a number is, and which there are. Nothing is measured here."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from bench import families


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a number finds the verified weights, and an empty folder of its own."""

    weights: Path
    scratch: Path


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


def number(
    *, family: str, name: str, ours: str, peer: str, at_most: float
) -> Callable[[Callable[[Setting], Iterator[Pair]]], Number]:
    """Makes a number of a function that yields one Pair."""

    def wrap(function: Callable[[Setting], Iterator[Pair]]) -> Number:
        return Number(family, name, ours, peer, at_most, contextmanager(function))

    return wrap


def numbers(package: ModuleType = families) -> tuple[Number, ...]:
    """Every number of every module in `bench/families`, in the order of their files."""
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Number))
