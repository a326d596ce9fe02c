"""Work that goes on beside the line."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


def in_background(name: str, work: Callable[..., None], *given: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=given, name=name, daemon=True)
    thread.start()
    return thread


def until_stopped(name: str, stop: threading.Event, work: Callable[..., None], *given: object) -> threading.Thread:
    """Work that must not end before `stop`: if it does, so does the daemon, and whoever watches it starts it afresh."""

    def kept() -> None:
        try:
            work(*given)
        except Exception:
            log.exception("'%s' has broken", name)
        if not stop.is_set():
            log.error("'%s' has ended and nothing does its work: the kiosk begins afresh", name)
            stop.set()

    return in_background(name, kept)
