"""What is done to the parts, each with its name; a fault ends with everything running again, or about to."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import disks
from tests.faults import machine
from tests.faults.rig import VICTIMS, Rig

Act = Callable[[Rig, random.Random], None]
FELT_WITHIN_S = 60.0
LONGEST_BALLAST = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble; `kills`: how many processes it ends with SIGKILL."""

    name: str
    act: Act
    kills: int = 0


def kill(victim: str) -> Act:
    def act(rig: Rig, chance: random.Random) -> None:
        rig.kill(victim)
        time.sleep(chance.uniform(0.0, 0.4))
        rig.start(victim)

    return act


def silent_link(rig: Rig, chance: random.Random) -> None:
    """The broker neither answers nor closes anything, as a cable that hangs in the air."""
    pid = rig.broker.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(chance.uniform(2.0, 6.0))
    os.kill(pid, signal.SIGCONT)


def silent_link_and_kills(rig: Rig, chance: random.Random) -> None:
    """Both ends die while the line is silent; whoever believed that what was sent has arrived loses it now."""
    pid = rig.broker.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 2.0))
    for name in ("kiosk", "uplink", "ingester"):
        kill(name)(rig, chance)
    os.kill(pid, signal.SIGCONT)
    rig.kill("broker")
    rig.start("broker")


def power_off(rig: Rig, chance: random.Random) -> None:
    """The kiosk's daemons die together; the machine comes back in another boot, in 1970."""
    rig.kill("uplink")
    rig.kill("kiosk")
    machine.write(machine.read(rig.machine_file).rebooted(), rig.machine_file)
    time.sleep(chance.uniform(0.0, 0.4))
    rig.start("kiosk")
    rig.start("uplink")


def clock_jumps(rig: Rig, chance: random.Random) -> None:
    """Somebody, or a wrong NTP server, sets the wall clock while punches go on."""
    for seconds in (chance.uniform(-90_000, 90_000), chance.uniform(-5, 5)):
        machine.write(machine.read(rig.machine_file).stepped(seconds), rig.machine_file)
        time.sleep(0.5)


def full_disk(rig: Rig, chance: random.Random) -> None:
    """Not a byte is left for a while: punches are refused, or old records make room; then it goes on by itself."""
    ballast = rig.disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 4_096, 512, 1):
            try:
                while file.tell() < LONGEST_BALLAST and file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    time.sleep(chance.uniform(1.0, 2.0))
    ballast.unlink()


def disk_error(calls: str, error: str) -> Act:
    """The kernel answers the kiosk's calls on its journal with an error, now and then, for a second or two."""

    def act(rig: Rig, chance: random.Random) -> None:
        fault = f"inject={calls}:error={error}:when={chance.randint(1, 3)}+{chance.randint(2, 4)}"
        command = [strace(), "-f", "-q", "-o", str(rig.folder / "trace"), "-e", f"trace={calls}", "-e", fault]
        for suffix in ("", "-wal"):
            command += ["-P", str(rig.kiosk.journal.with_name(rig.kiosk.journal.name + suffix))]
        before = rig.refusals()
        tracer = subprocess.Popen([*command, "-p", str(rig.processes["kiosk"].pid)])
        rig.is_refused(before, FELT_WITHIN_S)
        time.sleep(chance.uniform(0.5, 1.5))
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)

    return act


def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is missing; install it with: apt-get install strace")
    return found


def read_only(rig: Rig, chance: random.Random) -> None:
    """The kernel finds an error in the file system and makes it read-only: punches are refused until a restart has repaired it.

    The first of them may have been written before and synced after, and then nothing can be taken back (docs/adr/0130).
    """
    trigger = Path("/sys/fs/ext4") / disks.device_of(rig.disk) / "trigger_fs_error"
    before = rig.refusals()
    trigger.write_text("a test", encoding="ascii")
    rig.is_refused(before, FELT_WITHIN_S)
    rig.doubtful.add(rig.said().refused[before])
    time.sleep(chance.uniform(0.0, 1.0))
    rig.kill("uplink")
    rig.kill("kiosk")
    disks.repair(rig.folder)
    rig.start("kiosk")
    rig.start("uplink")


def older_backup(rig: Rig, chance: random.Random) -> None:
    """The enterprise's database is put back as it was a while ago: the kiosk sends again what is missing there."""
    kept = rig.backup()
    time.sleep(chance.uniform(1.0, 2.0))
    rig.kill("ingester")
    rig.restore(kept)
    rig.start("ingester")
    rig.settle()  # else a disk that fills up before the kiosk has heard of it costs records: a gap with a name, and another test


def corrupt_page(rig: Rig, chance: random.Random) -> None:
    """A page of the journal rots while the kiosk is off: it is kept for a person, a new epoch begins, the server is told."""
    rig.settle(stay_quiet=True)
    rig.stop("kiosk")
    content = bytearray(rig.folded_journal())
    place = content.rindex(b'"seq":') // 4_096 * 4_096  # a page with one of the newest records; the check at start reads it
    content[place + 100 : place + 3_100] = os.urandom(3_000)
    rig.kiosk.journal.write_bytes(content)
    rig.quiet.unlink()
    rig.start("kiosk")


def database_killed(rig: Rig, chance: random.Random) -> None:
    """PostgreSQL dies in the middle of whatever it was doing, and recovers from its log."""
    if rig.server is not None:
        rig.server.kill()
        time.sleep(chance.uniform(0.5, 1.5))  # its children notice, and let go of what they share
        rig.server.start()


KILLS = tuple(Fault(f"kill -9 of the {victim}", kill(victim), kills=1) for victim in VICTIMS)
TROUBLES = (
    Fault("silent link", silent_link),
    Fault("silent link, and kiosk, uplink, ingester and broker killed", silent_link_and_kills, kills=4),
    Fault("power off, boot in 1970", power_off, kills=2),
    Fault("wall clock set wrong twice", clock_jumps),
    Fault("full disk", full_disk),
    Fault("fsync fails (EIO)", disk_error("fsync,fdatasync", "EIO")),
    Fault("write fails (EIO)", disk_error("pwrite64", "EIO")),
    Fault("write finds no room (ENOSPC)", disk_error("pwrite64", "ENOSPC")),
    Fault("file system made read-only", read_only, kills=2),
    Fault("database put back from a backup", older_backup, kills=1),
    Fault("corrupt page", corrupt_page),
)
DATABASE_KILLED = Fault("kill -9 of PostgreSQL", database_killed, kills=1)
