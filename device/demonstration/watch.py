"""What left the kiosk, counted from outside: by a second subscriber on the broker, and by its processes' internet sockets."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from queue import Empty

import psutil

from device import messages, mqtt
from device.demonstration.theatre import DEVICE, OBSERVER, House

EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Seen:
    """Messages, bytes as published, and records, by topic; and each internet socket as (process, address)."""

    messages: dict[str, int]
    bytes: dict[str, int]
    records: int
    sockets: frozenset[tuple[str, str]]
    watched: frozenset[str]


class Watch:
    """Counts until the block ends."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._stop = threading.Event()
        self._messages: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._seqs: set[tuple[str, int]] = set()
        self._sockets: set[tuple[str, str]] = set()
        self._watched: set[str] = set()
        broker = mqtt.Broker(
            "127.0.0.1", house.port, f"{house.pki}/root.pem", f"{house.pki}/{OBSERVER}.pem", f"{house.pki}/{OBSERVER}.key", 20
        )
        self._pipe = mqtt.PahoPipe(broker, OBSERVER, (f"att/v1/{DEVICE}/#",), None)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._pipe.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._pipe.stop()

    def seen(self) -> Seen:
        """The count so far."""
        return Seen(dict(self._messages), dict(self._bytes), len(self._seqs), frozenset(self._sockets), frozenset(self._watched))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._look_at_sockets()
            try:
                self._count(self._pipe.events.get(timeout=EVERY_S))
                while True:
                    self._count(self._pipe.events.get_nowait())
            except Empty:
                continue

    def _count(self, event: mqtt.Event) -> None:
        if not isinstance(event, mqtt.Received) or "/down/" in event.topic:
            return
        self._messages[event.topic] += 1
        self._bytes[event.topic] += len(event.payload)
        if event.topic == messages.topics(DEVICE).records:
            encoding = "gzip" if event.payload.startswith(b"\x1f\x8b") else ""
            batch = messages.read_batch(messages.decompress(event.payload, encoding), DEVICE)
            self._seqs.update((batch.epoch, link.seq) for link in batch.links)

    def _look_at_sockets(self) -> None:
        for file in (self._house.kiosk.root / "run").glob("*.pid"):
            self._sockets.update(_sockets_of(file, self._watched))


def _sockets_of(pid_file: Path, watched: set[str]) -> set[tuple[str, str]]:
    """Internet sockets of one daemon at this moment; a daemon that is just being restarted has none."""
    try:
        process = psutil.Process(int(pid_file.read_text(encoding="ascii")))
        found = process.net_connections(kind="inet")
    except (OSError, ValueError, psutil.Error):
        return set()
    watched.add(pid_file.stem)
    return {(pid_file.stem, f"{c.raddr.ip}:{c.raddr.port}" if c.raddr else f"listening on {c.laddr}") for c in found}
