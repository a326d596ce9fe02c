"""HTTP as we take it from strangers.

Nobody works at a connection before a whole request has come, so that a slow or silent one costs the others nothing. No body is
read that no page asked for, and none whose length is not said first: the library would take either into memory in one piece.
"""

from __future__ import annotations

import _pyio  # type: ignore[import-not-found]
import re
import socket
import ssl
import threading
from collections import Counter
from contextlib import suppress
from enum import Enum, auto
from typing import Any

from cheroot.makefile import StreamReader
from cheroot.server import HTTPConnection, HTTPRequest

from web_ui.callers import source

MOST_HEADER_BYTES = 32 * 1024
MOST_WAITED_FOR_BYTES = 64 * 1024  # a form is waited for whole; what is larger comes from whoever has signed in
MOST_CONNECTIONS, MOST_OF_ONE_SOURCE = 256, 64
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)


class Come(Enum):
    """What has come of a request."""

    WHOLE = auto()
    PART = auto()
    ENDED = auto()


class Ahead(socket.SocketIO):
    """A socket of which something has been read ahead."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock, "rb")
        self.came = bytearray()

    def readinto(self, buffer: Any) -> int | None:
        """First what is there."""
        if not self.came:
            return super().readinto(buffer)
        piece = self.came[: len(buffer)]
        buffer[: len(piece)] = piece
        del self.came[: len(piece)]
        return len(piece)


class Reader(StreamReader):
    """The library's reader, of what was read ahead too."""

    def __init__(self, sock: Any, size: int) -> None:
        _pyio.BufferedReader.__init__(self, Ahead(sock), size)
        self.bytes_read = 0


class Asked(HTTPRequest):
    """One request."""

    def read_request_headers(self) -> bool:
        """Whether it may go on; a refusal has been sent otherwise."""
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if self.chunked_read:
            self.simple_response("411 Length Required", "Say how long it is; no browser sends a form in chunks.")
            return False
        if int(self.inheaders.get(b"Content-Length", 0)) < 0:
            self.simple_response("400 Bad Request", "Nothing is shorter than empty.")
            return False
        return True

    def send_headers(self) -> None:
        """What the application has left unread stays unread; the connection ends with the answer."""
        if getattr(self.rfile, "remaining", 0) > 0:
            self.close_connection = True
        super().send_headers()


class Connection(HTTPConnection):
    """One connection. Its time runs from the first byte of a request until all of it has come; no further byte renews it."""

    RequestHandlerClass = Asked

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._midst, self._since_s = True, 0.0

    @property
    def last_used(self) -> float:
        """What the library ends connections by; the clock's seconds."""
        return self._since_s

    @last_used.setter
    def last_used(self, at_s: float) -> None:
        if not (self._midst and self._since_s):
            self._since_s = at_s

    def gather(self) -> Come:
        """Take what has come, the TLS handshake included, without waiting."""
        came = self.rfile.raw.came
        self.socket.setblocking(False)
        try:
            while not _whole(came):
                if not (piece := self.socket.recv(16 * 1024)):
                    return Come.ENDED
                came += piece
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._midst = self._midst or bool(came)
            return Come.PART
        except OSError:  # a scanner, a browser that does not know our certificate, plain HTTP
            return Come.ENDED
        self._midst = False
        self.socket.settimeout(self.server.timeout)
        return Come.WHOLE

    def has_more(self) -> bool:
        """Whether something came behind the request, which no browser sends."""
        return bool(self.rfile.has_data() or self.rfile.raw.came)

    def close(self) -> None:
        """End it; it counts no more."""
        self.server.crowd.leave(self)
        with suppress(OSError):
            super().close()


def _whole(came: bytearray) -> bool:
    """Whether there is enough to begin: headers, and a form that is small."""
    end = came.find(b"\r\n\r\n")
    if end < 0:
        return len(came) > MOST_HEADER_BYTES
    said = LENGTH.search(came, 0, end + 2)
    length = int(said[1]) if said else 0
    return length > MOST_WAITED_FOR_BYTES or len(came) >= end + 4 + length


class Crowd:
    """The connections that are open; nobody has them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Connection, str] = {}
        self._of: Counter[str] = Counter()

    def enter(self, one: Connection) -> bool:
        """Whether there is room for it; always for one that is in."""
        who = source(one.remote_addr)
        with self._lock:
            if one in self._open:
                return True
            if len(self._open) >= MOST_CONNECTIONS or self._of[who] >= MOST_OF_ONE_SOURCE:
                return False
            self._open[one] = who
            self._of[who] += 1
            return True

    def leave(self, one: Connection) -> None:
        """It has ended."""
        with self._lock:
            if (who := self._open.pop(one, None)) is not None:
                self._of[who] -= 1
                self._of += Counter()  # drops who has none
