"""An emulated machine: QEMU with a disk that can lose its power, and a network that leads to one port of this machine.

The guest's agent is the way in.
It runs under KVM where that works, and without it otherwise, some ten times slower. Needs no root.
"""

from __future__ import annotations

import base64
import contextlib
import enum
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BROKER_INSIDE = "10.0.2.100"  # what the guest calls the broker; QEMU leads it to a port of this machine's loopback
BROKER_PORT = 8883
BOOT_S, CALL_S, STOP_S, TRIAL_S, FIRST_WORD_S = 900.0, 900.0, 240.0, 20.0, 40.0
STEP_S, LOOK_S = 0.2, 2.0  # pauses between two looks from outside, and between two that cost the guest something
LONGER, LONGEST_PAUSE_S = 1.2, 10.0  # each pause before the next look inside, times: what is asked there costs a slow guest seconds
MEMORY_MB = 2048  # a Pi of 2 GB
PROCESSORS = 2
# no_timer_check: a machine that was kept waiting while it tried its timer would panic
# tsc=reliable: a kernel that distrusts the processor's clock asks a slow device for the time instead
# panic=3: an emulated kernel that dies while it changes its own code, long before systemd, starts anew by itself
COMMAND_LINE = "console=ttyS0 quiet loglevel=3 systemd.show_status=0 mitigations=off no_timer_check tsc=reliable panic=3"


class Disk(enum.Enum):
    """What the machine's disk keeps when the power goes.

    REMEMBERS: all that it was ever sent; lost is what the guest had not sent yet (its own page cache).
    FORGETS: what was flushed (FLUSH, FUA) and nothing else, as a disk whose write cache has no battery.
    """

    REMEMBERS = "remembers"
    FORGETS = "forgets"


class Accelerator(enum.Enum):
    """How QEMU runs the guest's instructions."""

    KVM = ("-accel", "kvm", "-cpu", "host")
    NONE = ("-accel", "tcg,thread=multi", "-cpu", "max")


class Talk:
    """One JSON object a line over a unix socket: QEMU's monitor and the guest's agent both speak so."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")
        self.events: list[str] = []

    def ask(self, execute: str, **arguments: object) -> Any:
        """What is answered; events that come before it are kept. OSError when nobody does."""
        question = {"execute": execute, "arguments": arguments} if arguments else {"execute": execute}
        self._socket.sendall(json.dumps(question).encode() + b"\n")
        while True:
            said = self.hear()
            if "error" in said:
                raise OSError(f"{execute}: {said['error'].get('desc', said['error'])}")
            if "return" in said:
                return said["return"]

    def hear(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise ConnectionResetError("the machine is gone")
        said: dict[str, Any] = json.loads(line.lstrip(b"\xff"))
        if "event" in said:
            self.events.append(said["event"])
        return said

    def be_patient(self, seconds: float) -> None:
        self._socket.settimeout(seconds)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@dataclass(frozen=True, slots=True)
class Said:
    """How a command inside ended."""

    status: int
    out: str
    err: str


@dataclass
class Machine:
    """One machine with the disk image `image`. Its sockets, consoles and the receipts that a screen showed lie in `folder`."""

    folder: Path
    boot_files: Path
    image: Path
    broker_port: int
    disk: Disk = Disk.REMEMBERS
    clock: str = "utc"
    accelerator: Accelerator = Accelerator.NONE
    bare: str = ""  # a script of tests/vm/guest, in the place of systemd
    _qemu: subprocess.Popen[bytes] | None = None
    _disk: subprocess.Popen[bytes] | None = None
    _agent: Talk | None = None
    _monitor: Talk | None = None
    boots: list[float] = field(default_factory=list)

    @property
    def receipts(self) -> Path:
        """What was written to the second serial line; bytes that reached it before a power cut are here."""
        return self.folder / "receipts"

    @property
    def console(self) -> Path:
        return self.folder / "console"

    def start(self, *, settled: bool = True) -> float:
        """Switch on and wait until systemd has settled, or for the guest's agent alone; seconds that it took."""
        started = time.monotonic()
        drive = self._plug_disk_in()
        log = (self.folder / "qemu.log").open("ab")
        # setpriv: whatever becomes of the tests, no machine outlives them
        command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", *self._hardware(), *drive]
        self._qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        if not self.bare:
            self._wait("the monitor answers", self._has_monitor, 30.0)
            self.greet()
            if (anew := self.events().count("RESET")) > 0:
                print(f"the emulated kernel died while it started, and started anew {anew} time(s)")
            if settled:
                self.settle()
        self.boots.append(time.monotonic() - started)
        return self.boots[-1]

    def greet(self) -> None:
        """Wait for the guest's agent."""
        self._wait("the guest's agent answers", self._has_agent, BOOT_S)

    def settle(self) -> None:
        """Wait for the guest's agent, and until systemd has started all that it was to start."""
        self.greet()
        self._wait("systemd settles", self._has_settled, BOOT_S, LOOK_S)

    def _hardware(self) -> list[str]:
        leads = f"guestfwd=tcp:{BROKER_INSIDE}:{BROKER_PORT}-cmd:/bin/busybox nc 127.0.0.1 {self.broker_port}"
        words = COMMAND_LINE + (f" init=/srv/test/bare.sh -- {self.bare}" if self.bare else "")
        return [
            *(*self.accelerator.value, "-smp", str(PROCESSORS), "-m", str(MEMORY_MB)),
            *("-nodefaults", "-display", "none", "-device", "virtio-rng-pci", "-rtc", f"base={self.clock}"),
            *("-kernel", str(self.boot_files / "vmlinuz"), "-initrd", str(self.boot_files / "first.cpio"), "-append", words),
            *("-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console"),
            *("-chardev", f"file,id=receipts,path={self.receipts},append=on", "-serial", "chardev:receipts"),
            *("-netdev", f"user,id=net,restrict=on,{leads}", "-device", "virtio-net-pci,netdev=net"),
            *("-device", "virtio-serial", "-chardev", f"socket,id=agent,path={self.folder / 'agent'},server=on,wait=off"),
            *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
            *("-qmp", f"unix:{self.folder / 'monitor'},server=on,wait=off"),
            *("-device", "i6300esb", "-action", "watchdog=reset"),
        ]

    def _plug_disk_in(self) -> list[str]:
        if self.disk is Disk.REMEMBERS:
            return ["-drive", f"file={self.image},if=virtio,format=raw,cache=none"]
        place = self.folder / "disk"
        place.unlink(missing_ok=True)
        log = (self.folder / "disk.log").open("ab")
        command = ["setpriv", "--pdeathsig", "KILL", "nbdkit", "--foreground", "--unix", str(place), "--filter=cache", "file"]
        self._disk = subprocess.Popen(
            [*command, str(self.image), "cache=writeback"], stdout=log, stderr=log, env={**os.environ, "TMPDIR": str(self.folder)}
        )
        log.close()
        self._wait("the disk is there", place.exists, 10.0)
        return ["-drive", f"file=nbd+unix:///?socket={place},if=virtio,format=raw,cache=writeback"]

    def _has_monitor(self) -> bool:
        with contextlib.suppress(OSError):
            self._monitor = Talk(self.folder / "monitor", 30.0)
            self._monitor.hear()
            self._monitor.ask("qmp_capabilities")
            return True
        return False

    def _has_agent(self) -> bool:
        if self._agent is not None:
            self._agent.close()
        with contextlib.suppress(OSError, ValueError):
            self._agent = Talk(self.folder / "agent", FIRST_WORD_S)
            number = time.monotonic_ns() % 10**9
            answered = self._agent.ask("guest-sync-delimited", id=number) == number
            self._agent.be_patient(CALL_S)  # a busy machine may leave its agent waiting
            return bool(answered)
        return False

    def _has_settled(self) -> bool:
        with contextlib.suppress(OSError):
            return self.run("systemctl", "is-system-running").out.strip() in ("running", "degraded")
        return False

    def run(self, *command: str, stdin: bytes = b"") -> Said:
        """A command inside, as root; however it ends."""
        assert self._agent is not None
        given = {"input-data": base64.b64encode(stdin).decode()} if stdin else {}
        words = ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "COLUMNS=400", "LANG=C.UTF-8", *command]
        started = self._agent.ask("guest-exec", path="/usr/bin/env", arg=["-i", *words], **{"capture-output": True}, **given)
        deadline, pause_s = time.monotonic() + CALL_S, STEP_S
        while not (found := self._agent.ask("guest-exec-status", pid=started["pid"]))["exited"]:
            assert time.monotonic() < deadline, f"{' '.join(command)} has not ended within {CALL_S:.0f} s"
            time.sleep(pause_s)
            pause_s = min(pause_s * LONGER, LOOK_S)
        out, err = (base64.b64decode(found.get(name, "")).decode(errors="replace") for name in ("out-data", "err-data"))
        return Said(found.get("exitcode", -1), out, err)

    def call(self, *command: str, stdin: bytes = b"") -> str:
        """The output of a command inside, which must succeed."""
        said = self.run(*command, stdin=stdin)
        if said.status:
            pytest.fail(f"{' '.join(command)} answered {said.status}: {said.out[-3_000:]}{said.err[-3_000:]}")
        return said.out

    def say(self, *command: str) -> None:
        """Begin a command inside that may take the machine along."""
        assert self._agent is not None
        self._agent.ask("guest-exec", path="/usr/bin/env", arg=list(command))

    def put(self, files: Mapping[str, bytes], mode: int = 0o644) -> None:
        """Files inside, by their places: each command costs a slow machine a second, so all at once."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for place, content in files.items():
                entry = tarfile.TarInfo(place.lstrip("/"))
                entry.size, entry.mode = len(content), mode
                archive.addfile(entry, io.BytesIO(content))
        self.call("tar", "-xC", "/", stdin=packed.getvalue())

    def wait(self, what: str, ready: Callable[[], object], seconds: float = 300.0) -> float:
        """Seconds until `ready`; the guest's last words when it never is."""
        started, pause_s = time.monotonic(), LOOK_S
        while not ready():
            if time.monotonic() - started > seconds:
                pytest.fail(
                    f"{what} within {seconds:.0f} s: it did not happen\n{self.run('journalctl', '-n', '60', '--no-pager').out}"
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * LONGER, LONGEST_PAUSE_S)
        return time.monotonic() - started

    def ask_monitor(self, execute: str, **arguments: object) -> Any:
        assert self._monitor is not None
        return self._monitor.ask(execute, **arguments)

    def events(self) -> tuple[str, ...]:
        """What the emulator told so far."""
        self.ask_monitor("query-status")
        assert self._monitor is not None
        return tuple(self._monitor.events)

    def wait_for_event(self, name: str, seconds: float) -> float:
        """Seconds until the emulator has told of it."""
        started = time.monotonic()
        while name not in self.events():
            assert time.monotonic() - started < seconds, f"no {name} within {seconds:.0f} s"
            time.sleep(STEP_S)
        return time.monotonic() - started

    def runs(self) -> bool:
        """Whether it is on."""
        return self._qemu is not None and self._qemu.poll() is None

    def cut_power(self) -> None:
        """SIGKILL: the disk first, then everything else; no guest, no driver and no cache gets a word in."""
        for process in (self._disk, self._qemu):
            if process is not None:
                process.kill()
                process.wait()
        self._let_go()

    def shut_down(self) -> None:
        """Power off in good order."""
        assert self._qemu is not None
        self.ask_monitor("system_powerdown")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._qemu.wait(STOP_S)
        self.cut_power()

    def close(self) -> None:
        self.cut_power()

    def _let_go(self) -> None:
        for talk in (self._agent, self._monitor):
            if talk is not None:
                talk.close()
        self._agent = self._monitor = self._qemu = self._disk = None

    def _wait(self, what: str, ready: Callable[[], bool], seconds: float, pause_s: float = STEP_S) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            ended = [process for process in (self._qemu, self._disk) if process is not None and process.poll() is not None]
            if ended or time.monotonic() > deadline:
                said = "".join(path.read_text(errors="replace")[-1_500:] for path in self.folder.glob("*.log"))
                last = self.console.read_text(errors="replace")[-1_500:] if self.console.exists() else ""
                pytest.fail(f"{what}: not within {seconds:.0f} s{', the emulator ended' if ended else ''}\n{said}\n{last}")
            time.sleep(pause_s)


def accelerator(kernel: Path) -> Accelerator:
    """KVM where this very kernel runs under it, up to the panic that it has without a disk.

    Under a KVM that is itself emulated, as in many a rented machine, not every instruction works.
    """
    machine = ("-m", "256", "-nodefaults", "-display", "none", "-no-reboot", "-kernel", str(kernel), "-append", "panic=-1")
    try:
        tried = subprocess.run(
            ("qemu-system-x86_64", *Accelerator.KVM.value, *machine),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Accelerator.NONE
    return Accelerator.KVM if tried.returncode == 0 else Accelerator.NONE


def copy(image: Path, to: Path) -> Path:
    """A disk image of one's own; holes stay holes."""
    subprocess.run(("cp", "--sparse=always", "--reflink=auto", str(image), str(to)), check=True)
    return to


@contextlib.contextmanager
def machine(folder: Path, boot_files: Path, broker_port: int, **more: Any) -> Iterator[Machine]:
    """A started machine on a copy of the disk among `boot_files`; nothing of it is left afterwards."""
    shutil.rmtree(folder, ignore_errors=True)  # what a run that was killed has left
    folder.mkdir(parents=True)
    made = Machine(folder, boot_files, copy(boot_files / "base.raw", folder / "disk.raw"), broker_port, **more)
    try:
        made.start()
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
