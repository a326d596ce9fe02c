"""The browser's own way of being led (Chrome DevTools Protocol), over two inherited descriptors: no port that anybody could reach.

https://chromedevtools.github.io/devtools-protocol/ ; with `--remote-debugging-pipe` it reads from descriptor 3 and writes to 4,
each message a JSON object that ends with a zero byte.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

READS, WRITES = 3, 4  # the descriptors that the browser uses
MOST_BYTES = 1 << 24
CHUNK = 1 << 16
FREE = 100


class BrowserEnded(Exception):
    """The browser is gone, or does not take what it is told."""


class Pipe:
    """Messages to a browser and from it. One thread."""

    def __init__(self, process: subprocess.Popen[bytes], to_browser: int, from_browser: int) -> None:
        self.process, self._to, self._from = process, to_browser, from_browser
        self._rest = b""
        self._last = 0

    def send(self, method: str, session: str = "", **parameters: Any) -> int:
        """Tell it something; the id that its answer will carry. BrowserEnded if it cannot be told."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        try:
            _write_all(self._to, json.dumps(message).encode("utf-8") + b"\0")
        except OSError as error:
            raise BrowserEnded("the browser does not listen any more") from error
        return self._last

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """The next message, None after `seconds` without one; BrowserEnded if there will be no more."""
        while b"\0" not in self._rest:
            if not select.select([self._from], [], [], seconds)[0]:
                return None
            chunk = os.read(self._from, CHUNK)
            if not chunk or len(self._rest) > MOST_BYTES:
                raise BrowserEnded("the browser has ended")
            self._rest += chunk
        raw, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(raw)
        return heard


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def start(command: Sequence[str], environment: Mapping[str, str]) -> Pipe:
    """The browser with its two descriptors in place; it ends when this process does, because its pipe ends."""
    for_it, to_browser = os.pipe()
    from_browser, by_it = os.pipe()
    # From high numbers, so that neither is overwritten before it is copied. The four above stay open until the browser runs: 3 and
    # 4 are taken, and subprocess's own descriptor lies elsewhere.
    high = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, FREE) for one in (for_it, by_it)]

    def place() -> None:
        os.dup2(high[0], READS)
        os.dup2(high[1], WRITES)

    process = subprocess.Popen(command, env=environment, preexec_fn=place, pass_fds=(READS, WRITES))
    for one in (for_it, by_it, *high):
        os.close(one)
    return Pipe(process, to_browser, from_browser)
