"""A table that is sorted and paged, here or at the kiosk. Its state is in the address: it can be bookmarked, and needs no script.

A page with several tables gives each a name: `?alarms-sort=last_at&alarms-page=2`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Protocol, TypeVar

from flask import request

SIZES = (25, 50, 100, 200)
USUAL = 50

Row = TypeVar("Row")


class Counted(Protocol):
    """A part of something, and how much there is of it in all."""

    @property
    def total(self) -> int: ...


Part = TypeVar("Part", bound=Counted)


@dataclass(frozen=True, slots=True)
class Table:
    """What the address asks for; `total` is known once the rows are."""

    sort: str
    descending: bool
    page: int
    size: int
    name: str = ""
    total: int = 0

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        return min(self.offset + self.size, self.total)

    def key(self, what: str) -> str:
        """How the address calls this table's `sort`, `order`, `page` or `size`."""
        return f"{self.name}-{what}" if self.name else what

    def of(self, total: int) -> Table:
        """The same with so many rows; beyond the last page there is none, and that one is shown."""
        counted = replace(self, total=total)
        return replace(counted, page=min(self.page, counted.pages))


def asked(sorts: Iterable[str], usual: str, *, descending: bool = False, name: str = "") -> Table:
    """The table that the address asks for; what makes no sense counts as not said."""
    key = Table(usual, descending, 1, USUAL, name).key
    sort = request.args.get(key("sort"), usual)
    order = request.args.get(key("order"), "descending" if descending else "ascending")
    page, size = request.args.get(key("page"), 1, type=int), request.args.get(key("size"), USUAL, type=int)
    return Table(
        sort if sort in sorts else usual,
        order == "descending",
        min(max(page, 1), 100_000),
        size if size in SIZES else USUAL,
        name,
    )


def part(table: Table, ask: Callable[[int, int], Part]) -> tuple[Table, Part]:
    """The asked-for rows of whoever has them all, by `ask(offset, limit)`; the last of them where the address goes beyond."""
    found = ask(table.offset, table.size)
    counted = table.of(found.total)
    return counted, found if counted.page == table.page else ask(counted.offset, counted.size)


def cut(
    rows: Iterable[Row], keys: Mapping[str, Callable[[Row], Any]], usual: str, *, descending: bool = False, name: str = ""
) -> tuple[Table, list[Row]]:
    """The asked-for rows of all that are here, sorted by one of `keys`; equal ones stay as they came."""
    table = asked(keys, usual, descending=descending, name=name)
    ordered = sorted(rows, key=keys[table.sort], reverse=table.descending)
    counted = table.of(len(ordered))
    return counted, ordered[counted.offset : counted.offset + counted.size]


def columns(*names: str) -> dict[str, Callable[[Any], Any]]:
    """Rows are sorted by these of their attributes."""
    return {name: attrgetter(name) for name in names}
