"""HTTPS by cheroot, on a socket of our own or one that systemd hands over."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from cheroot import wsgi
from cheroot.connections import ConnectionManager
from cheroot.ssl.builtin import BuiltinSSLAdapter

from web_ui.errors import WebError
from web_ui.tls import Identity, context
from web_ui.wire import MOST_HEADER_BYTES, Come, Connection, Crowd, Reader

THREADS = 8
TIMEOUT_S = 20  # for the handshake, headers and form together, and for each piece of a larger body; longer answers are work beside
KEPT_CONNECTIONS = 64
MOST_BODY_BYTES = 4 * 1024**3  # a backup, a release; the application holds every other form to far less, and says so in a page
MOST_AT_ALL_BYTES = 4 * MOST_BODY_BYTES  # beyond that nobody listens to the end


class ListenError(WebError):
    """Nobody can reach the web UI where it should be."""


class _Adapter(BuiltinSSLAdapter):
    """Our context instead of the library's."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(str(identity.certificate), str(identity.key))
        self.context: ssl.SSLContext = context(identity)

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


class _Server(wsgi.Server):
    """Serves on a socket that is there already."""

    ConnectionClass = Connection
    _connections: Any

    def __init__(self, listener: socket.socket, application: Callable[..., Any], identity: Identity) -> None:
        super().__init__(
            listener.getsockname()[:2],
            application,
            numthreads=THREADS,
            server_name="daka",
            timeout=TIMEOUT_S,
            request_queue_size=64,
        )
        self._listener, self.crowd = listener, Crowd()
        self.keep_alive_conn_limit = KEPT_CONNECTIONS
        self.ssl_adapter = _Adapter(identity)
        self.max_request_header_size, self.max_request_body_size = MOST_HEADER_BYTES, MOST_AT_ALL_BYTES

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
        """A browser that does not know our certificate yet, a scanner, a cut line: not worth a page of log each."""


def listener(address: str, port: int, passed: socket.socket | None) -> socket.socket:
    """The socket that systemd passed, or a new one."""
    if passed is not None:
        return passed
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=64)
    except OSError as error:
        raise ListenError(
            f"nothing can listen at {address} port {port} ({error.strerror}); choose another with web.port"
        ) from error


def server(found: socket.socket, application: Callable[..., Any], identity: Identity) -> _Server:
    """A server that is started with `safe_start` and ended with `stop`."""
    return _Server(found, application, identity)
