"""The join service before strangers: whoever says nothing, or too slowly, keeps no kiosk waiting."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from flask import Flask

from enterprise import authority, join_service
from enterprise import store as stores
from tests.broker import ADDRESS, free_port


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Where it answers, and the root that it is believed by."""
    now, port = datetime.now(UTC), free_port()
    root = authority.create(tmp_path / "pki", now).certificate
    own = authority.issue_server(tmp_path / "pki", [ADDRESS], now)
    store = stores.connect(f"sqlite:///{tmp_path}/e.db")
    app = join_service.application(join_service.Service(store, tmp_path / "pki", "", lambda: now))
    server = join_service.server(app, ADDRESS, port, own.certificate, own.key)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield port, root
    server.stop()
    thread.join(30)
    store.close()


def listening(folder: Path, address: str, port: int) -> socket.socket:
    """The socket that the service is asked at."""
    authority.create(folder / "pki", now := datetime.now(UTC))
    own = authority.issue_server(folder / "pki", [ADDRESS], now)
    server = join_service.server(Flask("nothing"), address, port, own.certificate, own.key)
    return server.bind(0, 0)


def asked(port: int, root: Path) -> float:
    """How long a kiosk waits for an answer, seconds."""
    began_s = time.monotonic()
    context = ssl.create_default_context(cafile=str(root))
    with httpx.Client(base_url=f"https://{ADDRESS}:{port}", verify=context, trust_env=False, timeout=60) as http:
        assert "BEGIN CERTIFICATE" in http.get("/v1/ca").text
    return time.monotonic() - began_s


def test_silent_lines_and_more_slow_ones_than_there_are_workers_keep_no_kiosk_waiting(service: tuple[int, Path]) -> None:
    port, root = service
    context = ssl.create_default_context(cafile=str(root))
    with ExitStack() as open_:
        for _ in range(join_service.THREADS + 1):
            open_.enter_context(socket.create_connection((ADDRESS, port)))
            slow = open_.enter_context(socket.create_connection((ADDRESS, port)))
            open_.enter_context(line := context.wrap_socket(slow, server_hostname=ADDRESS))
            line.sendall(b"POST /v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")
        assert asked(port, root) < join_service.TIMEOUT_S / 2


def test_what_is_too_large_is_refused_in_a_sentence(service: tuple[int, Path]) -> None:
    port, root = service
    context = ssl.create_default_context(cafile=str(root))
    with httpx.Client(base_url=f"https://{ADDRESS}:{port}", verify=context, trust_env=False) as http:
        refused = http.post("/v1/join", content=b"x" * 100_000)
        assert (refused.status_code, bool(refused.json()["error"])) == (413, True)


@pytest.mark.parametrize("address", ["::", "0::0"])
def test_every_address_of_ipv6_is_every_address_of_ipv4_too(tmp_path: Path, address: str) -> None:
    port = free_port()
    with closing(listening(tmp_path, address, port)) as listener:
        assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 0
        for one in (ADDRESS, "::1"):
            socket.create_connection((one, port), timeout=5).close()


@pytest.mark.parametrize(
    ("has", "family"),
    [(["::1"], socket.AF_INET6), (["::1", ADDRESS], socket.AF_INET)],
)
def test_a_host_is_served_by_the_kind_of_address_that_its_name_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has: list[str], family: socket.AddressFamily
) -> None:
    real, port = socket.getaddrinfo, free_port()
    monkeypatch.setattr(socket, "getaddrinfo", lambda _name, *given, **more: [real(one, *given, **more)[0] for one in has])
    with closing(listening(tmp_path, "join.example", port)) as listener:
        assert listener.family is family
