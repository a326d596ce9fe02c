"""A real Mosquitto on a free loopback port, with mutual TLS and topic rights by certificate; for every test that needs a broker."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from enterprise import authority, mosquitto

STARTS_WITHIN_S = 30.0
ENDS_WITHIN_S = 30.0
ADDRESS = "127.0.0.1"
INGESTERS = ("ingest", "ingest-2")


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def missing(program: str, package: str) -> None:
    """Skip, saying what to install; in CI nothing is skipped."""
    sentence = f"{program} is missing; install it with: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def mosquitto_program() -> str:
    """Debian puts it where only root's PATH leads."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        missing("mosquitto", "mosquitto")
    assert found is not None
    return found


@dataclass
class Broker:
    """Its certificates lie in `certificates`; `start` and `kill` may be called again and again, state and port stay."""

    folder: Path
    port: int = field(default_factory=free_port)
    names: Sequence[str] = (ADDRESS, "localhost")  # in its certificate
    _process: subprocess.Popen[bytes] | None = None

    @property
    def certificates(self) -> Path:
        return self.folder / "authority"

    @property
    def address(self) -> str:
        return f"{ADDRESS}:{self.port}"

    def prepare(self, devices: Sequence[str]) -> None:
        """An authority of its own, certificates for broker, ingesters and `devices`, and the configuration."""
        now = datetime.now(UTC)
        authority.create(self.certificates, now)
        authority.issue_server(self.certificates, list(self.names), now)
        for name in INGESTERS:
            authority.issue_ingester(self.certificates, now, name)
        for name in devices:
            authority.issue_device(self.certificates, name, now)
        user = "root" if os.geteuid() == 0 else ""
        mosquitto.write(self.folder, self.certificates, mosquitto.Listener(self.port, ADDRESS, user), INGESTERS)

    def certificate_of(self, name: str) -> authority.Issued:
        """The PEM files of one client."""
        return authority.place(self.certificates, name)

    @property
    def root(self) -> Path:
        return authority.place(self.certificates, authority.ROOT).certificate

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns once it accepts connections."""
        log = (self.folder / "mosquitto.log").open("ab")
        command = [mosquitto_program(), "-c", str(self.folder / mosquitto.CONFIG_NAME)]
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"mosquitto does not start: {(self.folder / 'mosquitto.log').read_text()[-2_000:]}")
            time.sleep(0.02)

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((ADDRESS, self.port)) == 0

    def kill(self) -> None:
        """As a power cut would: no goodbye to anybody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(ENDS_WITHIN_S)
