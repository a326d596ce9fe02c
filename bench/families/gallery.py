"""People join and leave while matching goes on: how long a search ever has to wait, and that it never names somebody else."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bench import crowd
from bench.registry import Reading, Setting, Statistic, Unmeasured, gauge
from device import gallery as galleries
from device import keys, kiosk, people, state
from models import match, weights
from models.openset import Bound

PEOPLE, CHANGES = 100_000, 1_000
PEER_CHANGES = 25  # each copies 51 MB twice
QUIET_S = 5.0
TERMS = galleries.Terms((Bound(0.5, 1e-7),), galleries.Promise(), 0.45)


@dataclass(slots=True)
class Watch:
    """Searches for people who stay, as fast as they go; `gaps_ms`: from one answer to the next."""

    ask: Callable[[NDArray[np.float32]], str]
    probes: NDArray[np.float32]
    names: list[str]
    gaps_ms: list[float] = field(default_factory=list)
    wrong: int = 0

    def run(self, stop: threading.Event) -> None:
        """Until `stop`."""
        before, number = time.perf_counter(), 0
        while not stop.is_set():
            at = number % len(self.probes)
            self.wrong += self.ask(self.probes[at]) != self.names[at]
            now = time.perf_counter()
            self.gaps_ms.append((now - before) * 1e3)
            before, number = now, number + 1


def watched(watch: Watch, change: Callable[[], None]) -> None:
    """`change` runs here while the searches run in a thread of their own."""
    stop = threading.Event()
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    try:
        change()
    finally:
        stop.set()
        thread.join()
    if watch.wrong:
        raise AssertionError(f"{watch.wrong} searches named somebody else")


@gauge(
    family="gallery",
    name="pause of a search while 1,000 people join and leave",
    unit="ms",
    ours=f"Keeper.renew through the people's file, {PEOPLE:,} templates; every search checked for the right name",
    peer=f"the same matrix in numpy, copied whole at each of {2 * PEER_CHANGES} changes (append, delete), under one lock",
    at_most=50.0,
    statistic=Statistic.MAXIMUM,
)
def pauses(setting: Setting) -> Reading:
    """The longest time from one answer to the next; a wrong name ends the measurement."""
    folder = state.Folder(setting.scratch / "kiosk")
    embedder = weights.ready(setting.weights).digests[weights.EMBEDDER]
    stay = crowd.fill(folder, embedder, PEOPLE)
    come = crowd.vectors(CHANGES, seed=crowd.SEED + 1)
    names = [crowd.person(number) for number in range(PEOPLE)]
    directory = people.Directory(folder.people, keys.wrapping_key(folder.keys))
    keeper = galleries.Keeper(directory, embedder, TERMS)
    sys.setswitchinterval(kiosk.TURN_S)  # as the daemon does
    gc.collect()
    gc.freeze()
    quiet = Watch(lambda probe: _named(keeper.known.nearest(probe)), stay, names)
    watched(quiet, lambda: time.sleep(QUIET_S))
    ours = Watch(lambda probe: _named(keeper.known.nearest(probe)), stay, names)
    watched(ours, lambda: come_and_go(directory, keeper, embedder, come))
    directory.close()
    theirs = Copied(stay, names)
    peer = Watch(theirs.best, stay, names)
    watched(peer, lambda: theirs.come_and_go(come[:PEER_CHANGES]))
    said = f"{len(ours.gaps_ms):,} searches during {2 * CHANGES:,} changes, no wrong name; the peer's {len(peer.gaps_ms):,}; "
    said += f"with nobody joining the longest pause here and now was {max(quiet.gaps_ms):.0f} ms"
    return Reading(tuple(ours.gaps_ms), tuple(peer.gaps_ms), said)


def _named(found: match.Match | None) -> str:
    if found is None:
        raise Unmeasured("the gallery is empty")
    return found.person


def come_and_go(directory: people.Directory, keeper: galleries.Keeper, embedder: str, come: NDArray[np.float32]) -> None:
    """Everybody agrees and is enrolled, then withdraws: as the desk does it."""
    new = [people.Person(crowd.person(10**9 + number), f"new {number}", "New", "en", False, 0) for number in range(len(come))]
    agreed, at = people.Agreement("1", "en", "0" * 64, "consent", "bench"), datetime.now(UTC)
    for person, vector in zip(new, come, strict=True):
        directory.add(person, at)
        directory.agree(person.person, agreed, at)
        directory.add_template(person.person, embedder, "photograph", vector, at)
        keeper.renew(person.person)
    for person in new:
        directory.withdraw(person.person)
        keeper.renew(person.person)


class Copied:
    """What one writes first: a matrix and a list of names, replaced by a changed copy."""

    def __init__(self, matrix: NDArray[np.float32], names: list[str]) -> None:
        self._matrix, self._names, self._lock = matrix.copy(), list(names), threading.Lock()

    def best(self, probe: NDArray[np.float32]) -> str:
        """The nearest."""
        with self._lock:
            return self._names[int((self._matrix @ probe).argmax())]

    def come_and_go(self, come: NDArray[np.float32]) -> None:
        """Each comes, then each leaves."""
        for number, vector in enumerate(come):
            with self._lock:
                self._matrix, self._names = np.vstack([self._matrix, vector[None]]), [*self._names, f"new {number}"]
        for number in range(len(come)):
            with self._lock:
                at = self._names.index(f"new {number}")
                self._matrix = np.delete(self._matrix, at, axis=0)
                self._names = self._names[:at] + self._names[at + 1 :]
