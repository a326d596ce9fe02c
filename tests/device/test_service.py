"""What a daemon and systemd say to each other, with real sockets and real descriptors."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import service

CHILD = """
import json, os, sys
from pathlib import Path
from device import service
found = service.from_environment(os.environ, os.getpid())
unix = found.listener(Path(sys.argv[1]))
connection, _ = unix.accept()
connection.sendall(b"served")
internet = found.internet_listener()
print(json.dumps({
    "internet": list(internet.getsockname()), "other": found.listener(Path("/nowhere")) is None,
    "inheritable": os.get_inheritable(unix.fileno()), "watchdog_s": found.watchdog_s,
}))
"""


@pytest.fixture
def heard(short_folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(short_folder / "notify"))
        listening.settimeout(5)
        yield listening


def test_sockets_that_are_passed_are_served_and_known_by_their_address(short_folder: Path) -> None:
    path = short_folder / "passed.sock"
    with socket.socket(socket.AF_UNIX) as unix, socket.socket() as internet:
        unix.bind(str(path))
        unix.listen()
        internet.bind(("127.0.0.1", 0))
        internet.listen()
        hand_over = (
            f"import os, sys; os.dup2({unix.fileno()}, 3); os.dup2({internet.fileno()}, 4); "
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2', WATCHDOG_USEC='3000000'); "
            "os.execv(sys.executable, [sys.executable, '-c', *sys.argv[1:]])"
        )
        given = (unix.fileno(), internet.fileno())
        command = (sys.executable, "-c", hand_over, CHILD, str(path))
        with subprocess.Popen(command, pass_fds=sorted({3, 4, *given} & set(given)), stdout=subprocess.PIPE) as child:
            with socket.socket(socket.AF_UNIX) as caller:
                caller.settimeout(20)
                caller.connect(str(path))
                assert caller.recv(16) == b"served"
            assert child.stdout is not None
            said = json.load(child.stdout)
        expected = {"internet": list(internet.getsockname()), "other": True, "inheritable": False, "watchdog_s": 3.0}
        assert said == expected


def test_what_is_meant_for_another_process_is_left_alone() -> None:
    others = {"LISTEN_PID": "1", "LISTEN_FDS": "3", "WATCHDOG_PID": "1", "WATCHDOG_USEC": "1000"}
    found = service.from_environment(others, os.getpid())
    assert found.internet_listener() is None
    assert found.watchdog_s == 0


def test_signs_of_life_stop_when_the_work_does(short_folder: Path, heard: socket.socket) -> None:
    works, stop = [True], threading.Event()
    under = service.Service(str(short_folder / "notify"), watchdog_s=0.2)
    under.ready("looks")
    assert heard.recv(99) == b"READY=1\nSTATUS=looks"
    under.watch(lambda: works[0], stop)
    assert [heard.recv(99) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    works[0] = False
    ends = time.monotonic() + 10
    while says_more(heard):
        assert time.monotonic() < ends
    stop.set()


def says_more(heard: socket.socket) -> bool:
    """Whether another sign comes within ten times as long as between two."""
    heard.settimeout(0.5)
    try:
        return heard.recv(99) == b"WATCHDOG=1"
    except TimeoutError:
        return False


def test_a_manager_that_has_gone_stops_nothing(short_folder: Path) -> None:
    under = service.Service(str(short_folder / "nobody"))
    under.ready("looks")
    under.alive()
    service.Service().alive()
