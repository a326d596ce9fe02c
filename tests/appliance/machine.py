"""A machine with a real systemd: a Debian root made by mmdebstrap, a layer of its own on top, booted by systemd-nspawn.

It reaches one other host, in a network namespace that is made and ended with it. The machine under the tests need not run systemd.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

INSIDE, OUTSIDE = "10.99.0.2", "10.99.0.1"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "python3", "python3-venv", "libgl1", "libegl1", "libgles2",
    "libglib2.0-0", "libevdev2", "ca-certificates", "procps", "udev",
)  # fmt: skip
# The display's own; a machine without them has none and lacks nothing else.
DISPLAY_PACKAGES = ("cage", "chromium", "seatd", "fonts-noto-cjk", "grim")
# A root that is thrown away needs no syncing to the disk, no manuals and no translations.
QUICKLY = (
    "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)  # fmt: skip
BOOT_S, STOP_S, CALL_S = 60.0, 30.0, 600.0
HIERARCHIES = ("systemd", "unified")
POWER_OFF = signal.SIGRTMIN + 4  # systemd(1): start poweroff.target
# Without the first three IPAddressDeny= is ignored in silence.
ALLOWED = ("--capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON", "--system-call-filter=bpf perf_event_open")


def root_of(release: str, cache: Path, more: tuple[str, ...] = ()) -> Path:
    """The untouched root of a Debian release, with `more` packages; made once and kept in `cache`."""
    root, wanted = cache / "-".join(("root", release, *more[:1])), ",".join((*PACKAGES, *more))
    if not (root / "made").exists() or (root / "made").read_text() != wanted:
        shutil.rmtree(root, ignore_errors=True)
        command = ["mmdebstrap", "--quiet", "--variant=minbase", *QUICKLY, f"--include={wanted}", release, str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"mmdebstrap {release}: {done.stderr[-2_000:]}"
        (root / "made").write_text(wanted)
    return root


@dataclass
class Machine:
    """One booted machine; `files` is its root as seen from here."""

    base: Path
    folder: Path
    name: str
    _nspawn: subprocess.Popen[bytes] | None = None
    leader: int = 0
    boots: int = 0
    _mounts: list[Path] = field(default_factory=list)

    @property
    def files(self) -> Path:
        return self.folder / "root"

    @property
    def seen(self) -> Path:
        """Its files as it sees them itself, with what it has mounted."""
        return Path(f"/proc/{self.leader}/root")

    @property
    def outside(self) -> str:
        """The network namespace of the other host."""
        return f"{self.name}-out"

    def lay(self) -> None:
        """The layer and the network; nothing runs yet."""
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        options = f"lowerdir={self.base},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
        _run("mount", "-t", "overlay", "overlay", "-o", options, str(self.files))
        self._mounts.append(self.files)
        _run("ip", "netns", "add", self.outside)
        _run("ip", "-n", self.outside, "link", "set", "lo", "up")

    def boot(self) -> float:
        """Start it and wait until systemd has settled; seconds that it took."""
        started = time.monotonic()
        command = [
            "systemd-nspawn", "--register=no", "--keep-unit", "--private-network", "--boot", "--quiet",
            f"--machine={self.name}", "--console=pipe", *ALLOWED, "-D", str(self.files),
        ]  # fmt: skip
        log = (self.folder / "console.log").open("ab")
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        self._nspawn = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, preexec_fn=self._into_cgroup
        )
        log.close()
        deadline = started + BOOT_S
        while not self._has_settled():
            assert self._nspawn.poll() is None, f"the machine ended: {(self.folder / 'console.log').read_text()[-2_000:]}"
            assert time.monotonic() < deadline, f"the machine does not boot: {(self.folder / 'console.log').read_text()[-2_000:]}"
            time.sleep(0.05)
        took = time.monotonic() - started
        self._plug_in()
        self.boots += 1
        return took

    def _into_cgroup(self) -> None:
        for hierarchy in HIERARCHIES:
            place = Path("/sys/fs/cgroup") / hierarchy / self.name
            if place.parent.is_dir():
                place.mkdir(exist_ok=True)
                (place / "cgroup.procs").write_text("0")

    def _has_settled(self) -> bool:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = int(children[0])
        return self.call("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")

    def _plug_in(self) -> None:
        """A cable between the two hosts."""
        _run("ip", "link", "add", "va", "netns", self.outside, "type", "veth", "peer", "name", "vb", "netns", str(self.leader))
        _run("ip", "-n", self.outside, "addr", "add", f"{OUTSIDE}/24", "dev", "va")
        _run("ip", "-n", self.outside, "link", "set", "va", "up")
        network = ("nsenter", "-t", str(self.leader), "-n", "ip")
        _run(*network, "addr", "add", f"{INSIDE}/24", "dev", "vb")
        _run(*network, "link", "set", "vb", "up")
        _run(*network, "link", "set", "lo", "up")
        _run(*network, "route", "add", "default", "via", OUTSIDE)

    def call(self, *command: str, check: bool = True, environment: Mapping[str, str] | None = None) -> str:
        """Run a command inside as root; its output."""
        settings = [f"{name}={value}" for name, value in (environment or {}).items()]
        done = subprocess.run(
            ("nsenter", "-t", str(self.leader), "-a", "env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             "COLUMNS=200", *settings, *command),
            capture_output=True, text=True, check=False, timeout=CALL_S,
        )  # fmt: skip
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)} answered {done.returncode}: {done.stdout[-3_000:]}{done.stderr[-3_000:]}")
        return done.stdout

    def make_node(self, place: str, major: str, minor: str) -> None:
        """A character device inside, made from here: in there nobody may."""
        Path(place).parent.mkdir(exist_ok=True)
        subprocess.run(("mknod", "--mode=0666", place, "c", major, minor), check=False, capture_output=True)

    def outside_command(self, *command: str) -> tuple[str, ...]:
        """`command`, to be run on the other host."""
        return ("ip", "netns", "exec", self.outside, *command)

    def shut_down(self) -> None:
        """Power off in good order."""
        assert self._nspawn is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.leader, POWER_OFF)
        try:
            self._nspawn.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.cut_power()

    def cut_power(self) -> None:
        """Every process of it ends at once; what was not synced stays in this machine's page cache, so it is no real power cut."""
        assert self._nspawn is not None
        self._nspawn.kill()
        self._nspawn.wait()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.leader, signal.SIGKILL)

    def clear_away(self) -> None:
        """Nothing is left of it but the root it was made from."""
        if self._nspawn is not None and self._nspawn.poll() is None:
            self.shut_down()
        subprocess.run(("ip", "netns", "delete", self.outside), check=False, capture_output=True)
        for mounted in self._mounts:
            subprocess.run(("umount", "--recursive", "--lazy", str(mounted)), check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        for hierarchy in HIERARCHIES:
            place = Path("/sys/fs/cgroup") / hierarchy / self.name
            for found in sorted((path for path in place.glob("**/") if path.is_dir()), key=lambda path: -len(path.parts)):
                with contextlib.suppress(OSError):
                    found.rmdir()


@contextlib.contextmanager
def machine(base: Path, folder: Path, name: str) -> Iterator[Machine]:
    """A booted machine, cleared away afterwards."""
    made = Machine(base, folder, name)
    try:
        made.lay()
        made.boot()
        yield made
    finally:
        made.clear_away()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
