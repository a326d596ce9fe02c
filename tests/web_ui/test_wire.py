"""What somebody without an account may send to the web UI's port, and what it costs the others: next to nothing."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.web_ui.running import alone
from web_ui import serve

MB = 1 << 20


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the application answers from this process."""
    parts, app = alone(tmp_path_factory.mktemp("web"))
    listener = serve.listener("127.0.0.1", 0, None)
    server = serve.server(listener, app, parts.identity)
    thread = threading.Thread(target=server.safe_start, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    server.stop()
    thread.join(30)
    parts.store.close()


def connected(port: int) -> ssl.SSLSocket:
    """A connection after its handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30))


def answer(port: int, head: str, body: Iterable[bytes] = ()) -> bytes:
    """What comes back; b"" where the line was cut while the body went out."""
    with connected(port) as line, contextlib.suppress(ConnectionError, ssl.SSLError):
        line.sendall(head.replace("\n", "\r\n").encode())
        for piece in body:
            line.sendall(piece)
        return line.recv(4_096)
    return b""


def memory_mb(which: str) -> int:
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith(which)).split()[1]) // 1024


def most_more_mb(port: int, head: str) -> tuple[int, bytes]:
    """How much memory the process took at most while 100 MB were sent, and what came back."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = memory_mb("VmRSS")
    came = answer(port, head, (bytes(MB) for _ in range(100)))
    return memory_mb("VmHWM") - before, came


@pytest.mark.parametrize(
    "first",
    ["GET /first HTTP/1.1\nHost: localhost", "POST /nothing HTTP/1.1\nHost: localhost", "POST /first HTTP/1.1\nHost: evil.example"],
)
def test_a_body_that_no_page_asked_for_is_not_read(port: int, first: str) -> None:
    """The library would take it into memory whole; the appliance gives the daemon 250 MB."""
    more_mb, _ = most_more_mb(port, f"{first}\nContent-Length: {100 * MB}\n\n")
    assert more_mb < 20
    assert answer(port, "GET /first HTTP/1.1\nHost: localhost\n\n").startswith(b"HTTP/1.1 200")


def test_a_body_that_does_not_say_its_length_first_is_refused(port: int) -> None:
    head = "POST /first HTTP/1.1\nHost: localhost\n"
    more_mb, came = most_more_mb(port, f"{head}Transfer-Encoding: chunked\n\n{100 * MB:x}\n")
    assert more_mb < 20
    assert came == b"" or came.startswith(b"HTTP/1.1 411")
    assert answer(port, f"{head}Transfer-Encoding: chunked\n\n").startswith(b"HTTP/1.1 411")
    assert answer(port, f"{head}Content-Length: -1\n\n").startswith(b"HTTP/1.1 400")


def test_a_connection_whose_body_was_left_unread_says_that_it_ends(port: int) -> None:
    came = answer(port, "GET /first HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nhello")
    assert came.startswith(b"HTTP/1.1 200")
    assert b"Connection: close" in came
