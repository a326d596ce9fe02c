"""What somebody without an account may send to the web UI's port, and what it costs the others: next to nothing."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from device import https
from tests.web_ui.running import alone, until
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


def asked_behind(port: int, lines: Iterable[socket.socket]) -> float:
    """How long an ordinary request takes while those are open, seconds."""
    began_s = time.monotonic()
    assert answer(port, "GET /first HTTP/1.1\nHost: localhost\n\n").startswith(b"HTTP/1.1 200")
    took_s = time.monotonic() - began_s
    for line in lines:
        line.close()
    return took_s


def test_whoever_connects_and_says_nothing_keeps_nobody_waiting(port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    time.sleep(0.2)
    assert asked_behind(port, silent) < serve.TIMEOUT_S / 2


@pytest.mark.parametrize(
    "begun",
    [
        "GET /first HTTP/1.1\nHost: localhost\nX: ",
        "POST /first HTTP/1.1\nHost: localhost\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 9000\n\nname=",
    ],
)
def test_more_slow_senders_than_there_are_workers_keep_nobody_waiting(port: int, begun: str) -> None:
    slow = [connected(port) for _ in range(serve.THREADS + 1)]
    for line in slow:
        line.sendall(begun.replace("\n", "\r\n").encode())
    time.sleep(0.2)
    assert asked_behind(port, slow) < serve.TIMEOUT_S / 2


def test_a_strangers_large_form_is_refused_before_it_has_come(port: int) -> None:
    came = answer(port, f"POST /first HTTP/1.1\nHost: localhost\nContent-Length: {MB}\n\n")
    assert came.startswith(b"HTTP/1.1 413")
    came = answer(port, f"POST /people/new HTTP/1.1\nHost: localhost\nContent-Length: {MB}\n\n")
    assert came.startswith(b"HTTP/1.1 302")


def test_a_request_that_comes_in_pieces_is_answered_and_a_connection_serves_many(port: int) -> None:
    with connected(port) as line:
        for pieces in (
            ("GET /fir", "st HTTP/1.1\r\nHost: localhost\r\n\r", "\n"),
            ("GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n",),
        ):
            for piece in pieces:
                line.sendall(piece.encode())
                time.sleep(0.1)
            came = http.client.HTTPResponse(line)
            came.begin()
            assert (came.status, b"</html>" in came.read()) == (200, True)


@dataclass(eq=False)
class Line:
    remote_addr: str


def test_one_source_never_has_all_connections() -> None:
    crowd = https.Crowd()

    lines = [Line(f"fe80::{number:x}") for number in range(https.MOST_OF_ONE_SOURCE + 1)]
    assert [crowd.enter(line) for line in lines].count(False) == 1  # type: ignore[arg-type]
    assert crowd.enter(Line("::ffff:192.0.2.1"))  # type: ignore[arg-type]
    crowd.leave(lines[0])  # type: ignore[arg-type]
    assert crowd.enter(lines[-1])  # type: ignore[arg-type]


def test_an_accepting_thread_that_hangs_is_heard_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon gives systemd its sign of life only while browsers are looked after."""
    let_go = threading.Event()
    monkeypatch.setattr(https.Connection, "gather", lambda _self: let_go.wait(30) and https.Come.ENDED)
    parts, app = alone(tmp_path)
    listener = serve.listener("127.0.0.1", 0, None)
    server = serve.server(listener, app, parts.identity)
    threading.Thread(target=server.safe_start, daemon=True).start()
    try:
        time.sleep(2)
        until("the thread looks about", lambda: server.quiet_s() < 1.9)
        with socket.create_connection(("127.0.0.1", listener.getsockname()[1])):
            until("the thread hangs", lambda: server.quiet_s() > 2)
    finally:
        let_go.set()
        server.stop()
        parts.store.close()
