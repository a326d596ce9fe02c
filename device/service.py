"""What systemd hands a daemon and wants to hear: passed sockets, readiness, signs of life. Without systemd nothing happens.

A sign of life is given only after real work; whoever hangs is ended and started afresh by systemd's watchdog.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

FIRST_PASSED = 3  # sd_listen_fds(3): descriptors begin here
SIGNS_A_PERIOD = 4  # more than the two that sd_watchdog_enabled(3) recommends: this process shares its cores


class Service:
    """One daemon under systemd (or under nobody): its sockets by address and its way to speak.

    `sockets` maps the path of a unix socket, or "host:port" of an internet one, to the listening socket that was passed.
    """

    def __init__(
        self, notify_address: str = "", watchdog_s: float = 0.0, sockets: Mapping[str, socket.socket] | None = None
    ) -> None:
        self._address = "\0" + notify_address[1:] if notify_address.startswith("@") else notify_address
        self.watchdog_s = watchdog_s
        self._sockets = dict(sockets or {})

    @property
    def is_managed(self) -> bool:
        """Whether somebody listens to what this daemon says of itself."""
        return bool(self._address)

    def listener(self, path: Path) -> socket.socket | None:
        """The passed unix socket at `path`, None where the daemon has to make it itself."""
        return self._sockets.get(str(path))

    def internet_listener(self) -> socket.socket | None:
        """The one passed internet socket (the kiosk page's, or the web UI's), None where there is none."""
        return next((found for found in self._sockets.values() if found.family != socket.AF_UNIX), None)

    def ready(self, sentence: str) -> None:
        """The daemon serves from now on; `sentence` is what `systemctl status` shows."""
        self._say(f"READY=1\nSTATUS={sentence}")

    def alive(self) -> None:
        """Real work has been done; call it often."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The daemon ends in good order."""
        self._say("STOPPING=1")

    def watch(self, works: Callable[[], bool], stop: threading.Event) -> None:
        """Give signs of life for as long as `works` says so, in a thread of its own; nothing where there is no watchdog."""
        if self.watchdog_s:
            threading.Thread(target=self._watch, args=(works, stop), name="watchdog", daemon=True).start()

    def _watch(self, works: Callable[[], bool], stop: threading.Event) -> None:
        while not stop.is_set():
            if works():
                self.alive()
            stop.wait(self.watchdog_s / SIGNS_A_PERIOD)

    def _say(self, words: str) -> None:
        """sd_notify(3). A full or vanished socket must never stop a punch."""
        if self._address:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
                way.connect(self._address)
                way.send(words.encode("utf-8"))


def from_environment(environment: Mapping[str, str], process: int) -> Service:
    """What systemd has put into this process's environment; variables that are meant for another process are left alone."""
    passed = int(environment.get("LISTEN_FDS", "0")) if environment.get("LISTEN_PID") == str(process) else 0
    watched = environment.get("WATCHDOG_PID", str(process)) == str(process)
    watchdog_s = int(environment.get("WATCHDOG_USEC", "0")) / 1_000_000 if watched else 0.0
    found = [socket.socket(fileno=number) for number in range(FIRST_PASSED, FIRST_PASSED + passed)]
    for one in found:
        os.set_inheritable(one.fileno(), False)
    return Service(environment.get("NOTIFY_SOCKET", ""), watchdog_s, {_address(one): one for one in found})


def _address(listening: socket.socket) -> str:
    name = listening.getsockname()
    return str(name) if listening.family == socket.AF_UNIX else f"{name[0]}:{name[1]}"
