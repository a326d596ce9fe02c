"""`daka-bridge`: BlueZ on one side, the kiosk daemon's two sockets on the other. No network, no camera, no key."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import abort, request

from device import messages, service
from device.api import bridge as api
from device.api import client, serving
from device.api.serving import Route
from firmware_bridge.bridge import Bridge
from firmware_bridge.link.errors import LinkError
from firmware_bridge.lock.errors import JobUnknown, LockBusy, LockError, LockUnknown
from firmware_bridge.lock.register import Register

log = logging.getLogger(__name__)

REFUSALS: serving.Refusals = (
    (LockUnknown, 404),
    (JobUnknown, 404),
    (LockBusy, 409),
    (LockError, 422),
    (LinkError, 503),
    (messages.MessageError, 422),
    (client.KioskError, 502),
)
THREADS = 8


def run(state: Path, sockets: Path, stop: threading.Event, under: service.Service) -> None:
    """The daemon from start to `stop`; `state` is its own folder, `sockets` where daemons meet, `under` systemd."""
    with ExitStack() as stack:
        kiosk = stack.enter_context(api.KioskForBridge(sockets / api.KIOSK_BRIDGE_SOCKET))
        bridge = Bridge(Register(state / "locks.json"), kiosk, lambda: datetime.now(UTC))
        radio = threading.Thread(target=bridge.run, name="radio", daemon=True)
        radio.start()
        stack.callback(radio.join, 2.0)
        stack.callback(bridge.stop)
        app = serving.application("bridge", routes(bridge), REFUSALS)
        place = sockets / api.BRIDGE_SOCKET
        served = serving.serve(app, under.listener(place) or serving.listen(place), THREADS)
        threading.Thread(target=served.run, name="kiosk", daemon=True).start()
        stack.callback(served.close)
        log.info("the lock's bridge is ready; bluetooth: %s", bridge.status().bluetooth or "well")
        under.watch(bridge.answers, stop)
        under.ready("locks can be spoken to")
        stop.wait()
        under.stopping()


def routes(bridge: Bridge) -> tuple[Route, ...]:
    """What the kiosk daemon may ask."""
    return (
        Route("GET", "/v1/status", bridge.status),
        Route("GET", "/v1/heard", bridge.heard),
        Route("POST", "/v1/pairing", lambda: bridge.pair(*serving.json_fields("lock", "address"))),
        Route("POST", "/v1/comparison", _with(("job", "same"), lambda job, same: bridge.compare(job, same == "yes"))),
        Route("POST", "/v1/job", lambda: bridge.begin(*serving.json_fields("lock", "work", "argument"))),
        Route("POST", "/v1/end", lambda: bridge.end(*serving.json_fields("job"))),
        Route("GET", "/v1/job", lambda: bridge.jobs.get(*_job_asked())),
    )


def _with(names: tuple[str, ...], do: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: do(*serving.json_fields(*names))


def _job_asked() -> tuple[str, int, float]:
    after = request.args.get("after", "-1")
    if not after.lstrip("-").isdecimal():
        abort(400)
    return request.args.get("job", ""), int(after), serving.number_argument("wait_s", serving.MOST_WAIT_S)
