"""A machine with a real systemd: a Debian root made by mmdebstrap, a layer of its own on top, booted by systemd-nspawn.

It reaches one other host, in a network namespace that is made and ended with it. The machine under the tests need not run systemd.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

INSIDE, OUTSIDE, RENEWS = "10.99.0.2", "10.99.0.1", "10.99.0.3"
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
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REGISTER = Path("/run/daka-tests")  # every machine that is up, and whose it is: what a killed run leaves is cleared by the next one
PR_SET_PDEATHSIG, CLONE_NEWNET = 1, 0x40000000
Found = TypeVar("Found")
BOOT_S, CALL_S = 240.0, 600.0
HIERARCHIES = ("systemd", "unified")
# Without the first three IPAddressDeny= is ignored in silence.
ALLOWED = ("--capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON", "--system-call-filter=bpf perf_event_open")
# For systemd inside. A test that looks at the watchdogs switches them on: elsewhere one that is quick enough to be waited for would
# end whatever a machine with other work keeps waiting.
NO_WATCHDOGS = "systemd.service_watchdogs=no"


def root_of(release: str, cache: Path, more: tuple[str, ...] = ()) -> Path:
    """The untouched root of a Debian release, with `more` packages; made once and kept in `cache`."""
    root, wanted = cache / "-".join(("root", release, *more[:1])), ",".join((*PACKAGES, *more))
    if not (root / "made").exists() or (root / "made").read_text() != wanted:
        draft = root.with_name(f"{root.name}.new")
        for old in (root, draft):
            _remove_tree(old)
        # In a view of the mounts of its own: what it mounts for its work never lies under our folders, however it ends.
        alone = ("unshare", "--mount", "--propagation=slave", "mmdebstrap", "--quiet", "--variant=minbase", *QUICKLY)
        command = (*alone, f"--include={wanted}", release, str(draft))
        done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=ends_with_us)
        assert done.returncode == 0, f"mmdebstrap {release}: {done.stderr[-2_000:]}"
        (draft / "made").write_text(wanted)
        draft.rename(root)
    return root


def ends_with_us() -> None:
    """In a child, before it becomes another program: prctl(2), so that nothing outlives a run that is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _started(process: int) -> str:
    """When a process started, in ticks: with its id, this names it for good. Empty where there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def sweep() -> list[str]:
    """Clear what runs that are gone have left; the names of the machines."""
    found = []
    for entry in REGISTER.glob("[!.]*"):
        owner = json.loads(entry.read_text())
        if _started(owner["process"]) != owner["started"]:
            clear(entry.name, Path(owner["folder"]))
            found.append(entry.name)
    return found


def clear(name: str, folder: Path) -> None:
    """Nothing is left of that machine: no process, namespace, mount, file or group."""
    groups = [Path("/sys/fs/cgroup") / hierarchy / name for hierarchy in HIERARCHIES]
    for listed in (listed for group in groups for listed in group.rglob("cgroup.procs")):
        for process in listed.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
    subprocess.run(("ip", "netns", "delete", f"{name}-out"), check=False, capture_output=True)
    subprocess.run(("umount", "--recursive", "--lazy", str(folder / "root")), check=False, capture_output=True)
    _throw_away(folder)
    for group in groups:
        for found in sorted((path for path in group.glob("**/") if path.is_dir()), key=lambda path: -len(path.parts)):
            with contextlib.suppress(OSError):
                found.rmdir()
    (REGISTER / name).unlink(missing_ok=True)


def _remove_tree(folder: Path) -> None:
    """Whatever lies there and is this folder's own; nothing is removed while something is mounted in it."""
    _check_nothing_is_mounted(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _throw_away(folder: Path) -> None:
    """As `_remove_tree`, but nobody waits for it: on a busy disk a machine's fifty thousand files take most of a minute."""
    _check_nothing_is_mounted(folder)
    gone = folder.with_name(f".gone-{folder.name}-{time.monotonic_ns()}")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(gone)
        subprocess.Popen(("nice", "rm", "-rf", str(gone)), stderr=subprocess.DEVNULL, start_new_session=True)


def _check_nothing_is_mounted(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    assert not any(Path(mount).is_relative_to(folder) for mount in mounts), f"something is mounted below {folder}; unmount it"


@dataclass
class Machine:
    """One booted machine; `files` is its root as seen from here. It `shows` folders of ours, and nobody in it can write to them."""

    base: Path
    folder: Path
    name: str
    shows: Mapping[Path, str] = field(default_factory=dict)
    _nspawn: subprocess.Popen[bytes] | None = None
    leader: int = 0
    boots: int = 0

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
        """The layer and the network; nothing runs yet. A layer that is thrown away needs no syncing to the disk."""
        REGISTER.mkdir(exist_ok=True)
        owner = {"process": os.getpid(), "started": _started(os.getpid()), "folder": str(self.folder)}
        draft = REGISTER / f".{self.name}"
        draft.write_text(json.dumps(owner))
        draft.rename(REGISTER / self.name)
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        options = f"lowerdir={self.base},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'},volatile"
        _run("mount", "-t", "overlay", "overlay", "-o", options, str(self.files))
        _run("ip", "netns", "add", self.outside)
        _run("ip", "-n", self.outside, "link", "set", "lo", "up")

    def boot(self) -> float:
        """Start it and wait until systemd has settled; seconds that it took."""
        started = time.monotonic()
        command = [
            "systemd-nspawn", "--register=no", "--keep-unit", "--private-network", "--boot", "--quiet",
            f"--machine={self.name}", "--console=pipe", *ALLOWED, "-D", str(self.files),
            *(f"--bind-ro={ours}:{place}" for ours, place in self.shows.items()), NO_WATCHDOGS,
        ]  # fmt: skip
        log = (self.folder / "console.log").open("ab")
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        self._nspawn = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, preexec_fn=self._as_ours
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

    def _as_ours(self) -> None:
        ends_with_us()
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
        """A cable between the two hosts; the one before hangs on until the kernel has cleared the dead machine away."""
        subprocess.run(("ip", "-n", self.outside, "link", "del", "va"), capture_output=True, check=False)
        _run("ip", "link", "add", "va", "netns", self.outside, "type", "veth", "peer", "name", "vb", "netns", str(self.leader))
        for address in (OUTSIDE, RENEWS):
            _run("ip", "-n", self.outside, "addr", "add", f"{address}/24", "dev", "va")
        _run("ip", "-n", self.outside, "link", "set", "va", "up")
        network = ("nsenter", "-t", str(self.leader), "-n", "ip")
        _run(*network, "addr", "add", f"{INSIDE}/24", "dev", "vb")
        _run(*network, "link", "set", "vb", "up")
        _run(*network, "link", "set", "lo", "up")
        _run(*network, "route", "add", "default", "via", OUTSIDE)

    def inside(self, *command: str) -> tuple[str, ...]:
        """`command`, to be run inside as root."""
        return ("nsenter", "-t", str(self.leader), "-a", "env", "-i", f"PATH={PATH}", "COLUMNS=200", *command)

    def call(self, *command: str, check: bool = True, environment: Mapping[str, str] | None = None) -> str:
        """Run a command inside as root; its output."""
        settings = [f"{name}={value}" for name, value in (environment or {}).items()]
        done = subprocess.run(
            self.inside(*settings, *command),
            capture_output=True, text=True, check=False, timeout=CALL_S,
        )  # fmt: skip
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)} answered {done.returncode}: {done.stdout[-3_000:]}{done.stderr[-3_000:]}")
        return done.stdout

    def call_online(self, *command: str) -> str:
        """Run a command inside as root, with the network of whoever runs the tests; what it says, well or ill."""
        where = ("nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-p", "-C", "env", "-i", f"PATH={PATH}")
        done = subprocess.run((*where, *command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            pytest.fail(f"{' '.join(command)} answered {done.returncode}: {done.stdout[-3_000:]}")
        return done.stdout

    def make_node(self, place: str, major: str, minor: str, mode: str = "0666") -> None:
        """A character device inside, made from here: in there nobody may."""
        Path(place).parent.mkdir(exist_ok=True)
        subprocess.run(("mknod", f"--mode={mode}", place, "c", major, minor), check=False, capture_output=True)

    def outside_command(self, *command: str) -> tuple[str, ...]:
        """`command`, to be run on the other host."""
        return ("ip", "netns", "exec", self.outside, *command)

    def from_outside(self, deed: Callable[[], Found]) -> Found:
        """What `deed` finds when it is done on the other host: in a thread that has moved there, setns(2)."""

        def moved() -> Found:
            with (Path("/run/netns") / self.outside).open() as namespace:
                assert ctypes.CDLL(None).setns(namespace.fileno(), CLONE_NEWNET) == 0, f"{self.outside} cannot be entered"
            return deed()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(moved).result()

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
            self.cut_power()
        clear(self.name, self.folder)


@contextlib.contextmanager
def machine(base: Path, folder: Path, name: str, shows: Mapping[Path, str] | None = None) -> Iterator[Machine]:
    """A booted machine, cleared away afterwards."""
    sweep()
    made = Machine(base, folder, f"{name}-{os.getpid()}", shows or {})
    try:
        made.lay()
        made.boot()
        yield made
    finally:
        made.clear_away()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
