"""What the page is shown from, and its opening: the socket, the address, the mirror and the server."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from device import camera, server
from device.outlines import Outline
from device.page import address, routes, shell
from device.page.application import application
from device.page.counter import Counter
from device.page.mirror import Mirror
from device.page.scenery import Parts, Scenery

log = logging.getLogger(__name__)

# Three open questions a page at most: scene, picture, and what somebody does. A page that reloads leaves two behind, for
# scenery.LOOK_EVERY_S at the longest.
THREADS = 24


@dataclass(frozen=True)
class Behind:
    """The kiosk's parts as the page sees them. `outlines`: the faces of the newest frame, nearest first."""

    parts: Parts
    counter: Counter
    outlines: Callable[[], tuple[Outline, ...]]


def open_page(stack: ExitStack, passed: socket.socket | None, file: Path, behind: Behind) -> server.Serving | None:
    """Serve the page until the stack ends. Whatever keeps it from being served is said in the log, and punches go on: None."""
    parts = behind.parts
    try:
        listening = address.listener(passed, parts.config.page.port)
        if listening is None:
            return None
        found = address.settle(listening, file, parts.clock.now().boot_id)
    except address.PageError as error:
        log.error("%s", error)
        return None
    files, mirror = shell.load(), Mirror(lambda: parts.clock.now().monotonic_us)
    scenery = Scenery(parts, files.version)
    serving = server.serve(
        application((*routes.routes(files, scenery, mirror), *behind.counter.routes()), found), listening, THREADS
    )
    threading.Thread(target=serving.run, name="page", daemon=True).start()
    stack.callback(serving.close)
    threading.Thread(target=_reflect, args=(parts.source.frames(), mirror, behind.outlines), name="mirror", daemon=True).start()
    log.info("the kiosk page is served at %s; %s holds the address to open, with the token of this boot", found.origin, file)
    return serving


def _reflect(frames: Iterable[camera.Frame], mirror: Mirror, outlines: Callable[[], tuple[Outline, ...]]) -> None:
    """Every frame of the camera, however slow the line is; ends with the camera."""
    for frame in frames:
        mirror.show(frame, outlines())
