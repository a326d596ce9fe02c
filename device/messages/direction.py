"""Which way somebody went, breaks among it. On the wire a break is a going or a coming with `pause` set beside it.

A server that knows of no breaks therefore reads every punch, and pairs going to a break and coming back as it pairs lunch outside.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any


class Direction(enum.StrEnum):
    """Which way; a proposal of the kiosk, the server pairs across kiosks."""

    IN = "in"
    OUT = "out"
    BREAK = "break"  # out, and back before long
    BACK = "back"  # in again, from a break

    @property
    def door(self) -> Direction:
        """IN or OUT alone: what a record carries as its direction."""
        return {Direction.BREAK: Direction.OUT, Direction.BACK: Direction.IN}.get(self, self)

    @property
    def pause(self) -> bool:
        """Whether it begins or ends a break: what a record carries as `pause`."""
        return self is not self.door

    @property
    def is_inside(self) -> bool:
        """Whether somebody is at work after it."""
        return self.door is Direction.IN


def of(door: Direction | str, pause: object = False) -> Direction:
    """The direction that `door` and `pause` of a record mean together."""
    if not pause:
        return Direction(door)
    return Direction.BREAK if Direction(door) is Direction.OUT else Direction.BACK


def direction_of(body: Mapping[str, Any]) -> Direction:
    """The direction of a punch or correction as it stands in the chain; a record of before there were breaks names none."""
    return of(body["direction"], body.get("pause", False))
