"""A bridge's socket beside a running kiosk daemon: one lock is paired, another is heard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from device import api
from device.api import serving
from device.api.bridge import BRIDGE_SOCKET, BridgeStatus, LockHeard, LockJob, LockShown
from device.api.serving import Route
from tests.web_ui.running import Office


@dataclass
class Bridge:
    """A bridge's socket with one lock; it remembers what it was asked."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    job: LockJob = field(default_factory=lambda: LockJob("job-1", "SEAL-0001", "test"))
    trouble: str = ""

    def status(self) -> BridgeStatus:
        health = {"firmware": "1", "battery": 77, "events": 9, "seen_at": "2026-11-23T09:00:00.000000Z"}
        lock = LockShown("SEAL-0001", "C0:00:00:00:00:01", "daka", "Finance seal", **health)  # type: ignore[arg-type]
        lock = replace(lock, trouble=self.trouble, said=api.reason(self.trouble))
        return BridgeStatus(self.trouble, (lock,), api.reason(self.trouble))

    def routes(self) -> tuple[Route, ...]:
        heard = LockHeard("C0:00:00:00:00:02", "Legal", -50)
        return (
            Route("GET", "/v1/status", self.status),
            Route("GET", "/v1/heard", lambda: (heard,)),
            Route("POST", "/v1/job", lambda: self._note(*serving.json_fields("lock", "work", "argument"))),
            Route("POST", "/v1/comparison", lambda: self._note(*serving.json_fields("job", "same"))),
            Route("GET", "/v1/job", lambda: self.job),
        )

    def _note(self, *what: str) -> LockJob:
        self.asked.append(what)
        return self.job


@contextmanager
def bridged(office: Office) -> Iterator[Bridge]:
    """It answers until the block ends."""
    made, socket = Bridge(), office.folder.run / BRIDGE_SOCKET
    served = serving.serve(serving.application("bridge", made.routes(), ()), serving.listen(socket), 2)
    running = threading.Thread(target=served.run, daemon=True)
    running.start()
    yield made
    served.close()
    running.join(5)
    socket.unlink()
