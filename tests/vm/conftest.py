"""A kiosk in an emulated machine, installed from the release bundle under Debian 13's kernel and systemd; the enterprise beside it.

One machine for all scenarios, which follow each other as days do: a disk that has seen ten power cuts is the better witness.
"""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.vm import machine as machines
from tests.vm.enterprise import DEVICE, Enterprise
from tests.vm.machine import BROKER_INSIDE, BROKER_PORT, Machine

PEOPLE = 3
BADGE = "0004512345"
UPLINK, TESTS = "/var/lib/daka-uplink", "/srv/test"
PYTHON = "/opt/daka/current/bin/python"
DAEMONS = ("daka-kiosk", "daka-uplink", "daka-bridge", "daka-web")
SLOW = (*DAEMONS, "daka-outlet", "daka-update")
PATIENT = "[Service]\nTimeoutStartSec=10min\nWatchdogSec=10min\n"  # for a processor that is ten times slower than a Pi's
# systemd feeds it between two units that it reads; on a machine that is starved for a while it would be reset in the middle of that
SLOW_WATCHDOG = "[Manager]\nRuntimeWatchdogSec=2min\n"
# nor need root look every two minutes whom the uplink may reach: a look takes a minute there
RARELY = "[Timer]\nOnUnitInactiveSec=\nOnUnitInactiveSec=1h\n"
# nor look at a moving test picture fifteen times a second, nor for codes in it, nor probe which landmarker is the faster one
SPARING = """
[recognition]
detect_interval_ms = 1000.0
working_width = 96
working_height = 96
"""
# where somebody is to be recognised: one look names, for a processor that needs seconds for each never makes two of one walk-up
LOOKING = """
[recognition]
settle_ms = 0.0
look_interval_ms = 0.0
votes = 1
"""


@dataclass
class Kiosk:
    """The machine and the enterprise; `pins` are this run's, drawn at its beginning."""

    machine: Machine
    enterprise: Enterprise
    pins: dict[str, str] = field(default_factory=dict)

    def configure(self) -> None:
        """What an installer does before the first start; the device key and the units are there already."""
        slow = self.machine.accelerator is machines.Accelerator.NONE
        settings = self.machine.call("cat", "/etc/daka/config.toml") + _settings(self.enterprise.key) + (SPARING if slow else "")
        if slow:
            settings = settings.replace("[models]\n", '[models]\nlandmarks = "opencv"\n')
            settings = settings.replace("frames_per_second = 5.0", "frames_per_second = 2.0")
            settings = settings.replace("[ways]\n", "[ways]\nscan_interval_ms = 0.0\n")
            self.machine.put({f"/etc/systemd/system/{unit}.service.d/99-slow.conf": PATIENT.encode() for unit in SLOW})
            self.machine.put({"/etc/systemd/system/daka-outlet.timer.d/99-slow.conf": RARELY.encode()})
            self.machine.put({"/etc/systemd/system.conf.d/99-slow.conf": SLOW_WATCHDOG.encode()})
        broker = self.enterprise.broker
        own = broker.certificate_of(DEVICE)
        files = {"root.pem": broker.root, "own.pem": own.certificate, "own.key": own.key}
        self.machine.put({"/etc/daka/config.toml": settings.encode()})
        self.machine.put({f"{UPLINK}/{name}": path.read_bytes() for name, path in files.items()}, 0o600)
        self.machine.call("chown", "-R", "daka-uplink:", UPLINK)
        self.machine.call("daka", "set-broker")
        self.machine.call("ln", "-sf", "/usr/lib/systemd/system/multi-user.target", "/etc/systemd/system/default.target")

    def hire(self) -> None:
        """People with PINs that nobody knows before the run."""
        self.pins = {str(2_000 + number): f"{random.SystemRandom().randrange(10**8):08d}" for number in range(PEOPLE)}
        wanted = json.dumps({"people": self.pins, "badges": {"2000": BADGE}})
        self.machine.call(PYTHON, f"{TESTS}/people.py", stdin=wanted.encode())
        self.machine.put({f"{TESTS}/people.json": json.dumps(self.pins).encode()}, 0o600)
        self.enterprise.trust(self.machine.call("daka", "verify").split()[-1])

    def punch(self, most: int, seconds: float = 300.0) -> list[int]:
        """People at the page, one after the other, as fast as it answers; the receipts that the screen showed."""
        before = len(self.receipts())
        self.let_punch(most, seconds)
        self.machine.call("systemctl", "restart", "punches.service")
        self.machine.wait(f"{most} receipts are shown", lambda: len(self.receipts()) >= before + most, seconds)
        return list(self.receipts())[before:]

    def let_punch(self, most: int, seconds: float) -> None:
        """How much the people at the page do from their next start on."""
        self.machine.put({f"{TESTS}/punches.env": f"MOST={most}\nSECONDS={seconds}\n".encode()})

    def receipts(self) -> dict[int, str]:
        """Number and time of each receipt that the screen has shown."""
        return {int(number): at for number, at in self._said(r"receipt ([0-9]+) ([-:.0-9T]+(?:Z|\+00:00))")}

    def careless(self) -> int:
        """The last number that the program which syncs nothing has said it wrote."""
        return int(self._said("careless ([0-9]+)")[-1][0])

    def found(self) -> list[int]:
        """What that program found in its file, at each of its starts."""
        return [int(number) for (number,) in self._said("found ([0-9]+)")]

    def _said(self, line: str) -> list[tuple[str, ...]]:
        """The groups of each whole line of the serial line that fits; where the power was cut, one has no end."""
        text = self.machine.receipts.read_text(errors="replace") if self.machine.receipts.exists() else ""
        fits = (re.fullmatch(line, one) for one in text.rpartition("\n")[0].splitlines())
        return [one.groups() for one in fits if one]

    def kept(self) -> dict[int, str]:
        """Number and time of each punch in the journal's file."""
        return {int(seq): at for seq, at in json.loads(self.machine.call("python3", f"{TESTS}/kept.py")).items()}

    def arrive(self, receipts: list[int] | dict[int, str]) -> None:
        """Wait until the enterprise has each of them, and no number twice."""
        self.machine.wait("the receipts are at the enterprise", lambda: set(receipts) <= set(self.enterprise.punches()), 600)
        arrived = self.enterprise.punches()
        assert len(arrived) == len(set(arrived))

    def camera(self) -> str:
        """What the daemon has last said of its camera since this start of the machine."""
        said = self.machine.run("journalctl", "-b", "-u", "daka-kiosk", "-o", "cat", "--no-pager", "--grep", "camera .* is ").out
        return said.strip().rpartition("\n")[2]

    def watch(self) -> float:
        return self.machine.wait("the camera streams", lambda: "is streaming" in self.camera(), 900)


def _settings(key: str) -> str:
    return f"""
[device]
id = "{DEVICE}"

[camera]
frames_per_second = 5.0

[attend]
min_gap_s = 0.0

[ways]
badge_reader = "/dev/input/test-badge"
badge_completed_by = "nothing"

[lock]
enabled = true

[uplink]
enabled = true
host = "{BROKER_INSIDE}"
port = {BROKER_PORT}
ca = "root.pem"
certificate = "own.pem"
key = "own.key"
server_key = "{key}"
"""


def folder_of_machines() -> Path:
    place = os.environ.get("DAKA_VM")
    if not place:
        pytest.skip("the emulated machine is made and played by `make vm`")
    return Path(place)


@pytest.fixture(scope="session")
def kiosk() -> Iterator[Kiosk]:
    """Configured, started, with its people, known to the enterprise."""
    chosen, began = machines.accelerator(folder_of_machines() / "vmlinuz"), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder_of_machines()) as name:
        enterprise = Enterprise(Path(name) / "enterprise")
        try:
            enterprise.open()
            port = enterprise.broker.port
            with machines.machine(Path(name) / "machine", folder_of_machines(), port, accelerator=chosen) as machine:
                print(f"{machine.call('uname', '-sr').strip()}, {chosen.name}, at a shell after {machine.boots[0]:.0f} s")
                made = Kiosk(machine, enterprise)
                made.configure()
                machine.call("systemctl", "start", "--no-block", "multi-user.target")
                made.watch()
                print(f"configured and watching after {time.monotonic() - began:.0f} s")
                made.hire()
                print(f"{PEOPLE} people have their PINs after {time.monotonic() - began:.0f} s")
                yield made
        finally:
            enterprise.close()
