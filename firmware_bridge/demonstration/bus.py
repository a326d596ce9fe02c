"""A dbus-daemon of our own on a unix socket, to be offered as the system bus to whoever is told its address."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""


class PrivateBus:
    """Runs until the block ends; `address` is for DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.address = ""

    def __enter__(self) -> Self:
        self._own = tempfile.TemporaryDirectory(prefix="daka-bus-")
        root = self._folder or Path(self._own.name)
        socket, config = root / "system-bus.sock", Path(self._own.name) / "bus.conf"
        config.write_text(CONFIG.format(socket=socket), encoding="utf-8")
        command = ("setpriv", "--pdeathsig", "TERM", "--", "dbus-daemon", f"--config-file={config}", "--print-address", "--nofork")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError("dbus-daemon did not start; it is in Debian's package dbus-daemon")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._own.cleanup()
