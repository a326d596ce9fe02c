"""Staged walk-ups: people from photographs who walk up to a simulated camera.

For the demonstration and the fault tests. Promises the same frames for the same walk-up, size and rate.
Finds no faces (the director says where they are), and shows nothing about liveness.
"""

from __future__ import annotations

from device.walkups.rendering import empty, render
from device.walkups.script import Medium, Person, WalkUp, WalkUpRefused, from_table, read, write

__all__ = ["Medium", "Person", "WalkUp", "WalkUpRefused", "empty", "from_table", "read", "render", "write"]
