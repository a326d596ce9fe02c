"""HTTPS as we take it from strangers, for the web UI and the join service.

Nobody works at a connection before a whole request has come, so that a slow or silent one costs the others nothing. No body is
read that no page asked for, and none whose length is not said first: the library would take either into memory in one piece.
"""

from __future__ import annotations

import _pyio  # type: ignore[import-not-found]
import ipaddress
import os
import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.connections import ConnectionManager
from cheroot.makefile import StreamReader
from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.ssl.builtin import BuiltinSSLAdapter

MOST_HEADER_BYTES = 32 * 1024
MOST_WAITED_FOR_BYTES = 64 * 1024  # a form is waited for whole; what is larger comes from whoever has signed in
MOST_CONNECTIONS, MOST_OF_ONE_SOURCE = 256, 64
KEPT_CONNECTIONS = 64
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


def source(address: str | None) -> str:
    """Who asks, as far as an address tells: an IPv4 address, also one that came as IPv6; of IPv6 the network of 64 bits."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "nobody"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return f"{ipaddress.IPv6Address(int(found) >> 64 << 64)}/64"
        found = found.ipv4_mapped
    return str(found)


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


@dataclass(frozen=True, slots=True)
class Secrets:
    """The files of a certificate and its key, PEM, and a context that has loaded them."""

    certificate: Path
    key: Path
    context: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many requests are worked at; the time for handshake, headers and form together, and for each piece of a larger body."""

    threads: int
    timeout_s: int
    most_body_bytes: int


class _Adapter(BuiltinSSLAdapter):
    """Our context instead of the library's."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__(str(secrets.certificate), str(secrets.key))
        self.context: ssl.SSLContext = secrets.context

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """Without the handshake: the one thread that accepts would wait for whoever says nothing."""
        return self.context.wrap_socket(sock, do_handshake_on_connect=False, server_side=True), {"HTTPS": "on"}

    def makefile(self, sock: Any, mode: str = "r", bufsize: int = -1) -> Any:
        """Reading begins with what has come already."""
        return Reader(sock, bufsize) if "r" in mode else super().makefile(sock, mode, bufsize)


class _Manager(ConnectionManager):
    """Says when it last looked after its connections."""

    looked_at_s = 0.0

    def _expire(self, threshold: float) -> None:
        super()._expire(threshold)  # type: ignore[misc]
        self.looked_at_s = time.monotonic()


class Server(wsgi.Server):
    """Serves on a socket that is there already; started with `safe_start` or `serve`, ended with `stop`."""

    ConnectionClass = Connection
    _connections: Any

    def __init__(self, listener: socket.socket, application: Callable[..., Any], secrets: Secrets, bounds: Bounds) -> None:
        super().__init__(
            listener.getsockname()[:2],
            application,
            numthreads=bounds.threads,
            server_name="daka",
            timeout=bounds.timeout_s,
            request_queue_size=64,
        )
        self._listener, self.crowd = listener, Crowd()
        self.keep_alive_conn_limit = KEPT_CONNECTIONS
        self.ssl_adapter = _Adapter(secrets)
        self.max_request_header_size, self.max_request_body_size = MOST_HEADER_BYTES, bounds.most_body_bytes

    def prepare(self) -> None:
        """cheroot itself would take any first descriptor for an IPv4 socket; whose they are was settled before."""
        os.environ.pop("LISTEN_PID", None)
        super().prepare()
        self._connections.close()
        self._connections = _Manager(self)

    def process_conn(self, conn: Connection) -> None:
        """In the thread that accepts: hand a request to a worker once it is whole, and wait for the rest until then."""
        come = conn.gather() if self.crowd.enter(conn) else Come.ENDED
        if come is Come.WHOLE:
            super().process_conn(conn)
        elif come is Come.PART:
            self._connections.put(conn)
        else:
            conn.close()

    def put_conn(self, conn: Connection) -> None:
        """After an answer."""
        if conn.has_more():
            conn.close()
        else:
            super().put_conn(conn)

    def quiet_s(self) -> float:
        """For how long nobody has looked after connections; it happens twice a second, whatever browsers do."""
        return time.monotonic() - self._connections.looked_at_s if self.ready else 0.0

    def bind(self, _family: int, _type: int, _proto: int = 0) -> socket.socket:
        self.socket = self._listener
        return self._listener

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Somebody who does not know our certificate yet, a scanner, a cut line: not worth a page of log each."""
