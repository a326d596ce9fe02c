"""The bridge's daemon under systemd: it serves the socket that it is handed and gives signs of life."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from device import service
from device.api.bridge import BRIDGE_SOCKET, BridgeClient
from firmware_bridge import daemon


def test_it_serves_the_socket_that_systemd_passes_and_says_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    path, stop = tmp_path / BRIDGE_SOCKET, threading.Event()
    passed = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    passed.bind(str(path))
    passed.listen(4)
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.bind(str(tmp_path / "notify"))
    notified.settimeout(20)
    under = service.Service(str(tmp_path / "notify"), 0.4, {str(path): passed})
    running = threading.Thread(target=daemon.run, args=(tmp_path / "state", tmp_path, stop, under))
    running.start()
    said = {notified.recv(1000).decode().partition("\n")[0] for _ in range(3)}
    with BridgeClient(path) as client:
        assert "no Bluetooth" in client.status().bluetooth
    stop.set()
    running.join(20)
    assert not running.is_alive()
    assert said == {"READY=1", "WATCHDOG=1"}
    notified.close()
