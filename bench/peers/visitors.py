"""Programs that ask the kiosk daemon without a pause: `python -m bench.peers.visitors SOCKET`; runs until it is ended."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

from device import api


def main(socket: Path) -> None:
    """Status, people, decisions and punches, in turns, one after the other."""
    with api.AdminClient(socket) as client:
        asking: tuple[Callable[[], object], ...] = (
            client.status,
            client.people,
            lambda: client.decisions(0),
            lambda: client.punches(0),
        )
        for ask in itertools.cycle(asking):
            ask()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
