"""A lock that dies at a given step of a stamp: `python -m tests.firmware_bridge.dies FOLDER STEP`, ended by SIGKILL from within.

Steps count the commits to its memory: 2n dies just before the n-th, 2n + 1 just after it. Prints what it did before.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from firmware_bridge.protocol.memory import Change
from firmware_bridge.reference.store import DATABASE, DiskMemory
from tests.firmware_bridge.parts import World


class Mortal(DiskMemory):
    """Dies when its time has come."""

    def __init__(self, path: Path, step: int) -> None:
        super().__init__(path)
        self.left = step

    def commit(self, change: Change) -> None:
        self.die_if_due()
        super().commit(change)
        self.die_if_due()

    def die_if_due(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


def main() -> None:
    folder, step = Path(sys.argv[1]), int(sys.argv[2])
    memory = Mortal(folder / DATABASE, 10_000)
    world = World(memory=memory)  # type: ignore[arg-type]
    visit = world.visit()
    visit.tell()
    memory.left = step
    visit.arm(world.grant(stamps=1, id=bytes(16)), bytes(range(16)))
    if world.lock.press(0).move:
        print("moved", flush=True)
        world.lock.moved(0)
    print("survived", flush=True)


if __name__ == "__main__":
    main()
