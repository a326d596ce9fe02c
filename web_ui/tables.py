"""A table that the server sorts and pages; its state is in the address, so that it can be bookmarked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import request

SIZES = (25, 50, 100, 200)
USUAL = 50


@dataclass(frozen=True, slots=True)
class Table:
    """What the address asks for; `total` is known once the kiosk has answered."""

    sort: str
    descending: bool
    page: int
    size: int
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


def asked(sorts: Iterable[str], usual: str, *, descending: bool = False) -> Table:
    """The table that the address asks for; what makes no sense counts as not said."""
    sort = request.args.get("sort", usual)
    order = request.args.get("order", "descending" if descending else "ascending")
    page, size = request.args.get("page", 1, type=int), request.args.get("size", USUAL, type=int)
    return Table(
        sort if sort in sorts else usual,
        order == "descending",
        min(max(page, 1), 100_000),
        size if size in SIZES else USUAL,
    )
