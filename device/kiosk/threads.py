"""Work that goes on beside the line."""

from __future__ import annotations

import threading
from collections.abc import Callable


def in_background(name: str, work: Callable[..., None], *given: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=given, name=name, daemon=True)
    thread.start()
    return thread
