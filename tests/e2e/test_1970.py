"""A kiosk and its uplink boot at 1970, for real: their processes see another wall clock, all else is as it is in the field.

Punches before the time is known, after it, and after somebody has set the clock wrong: what is exported is right to a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device import journal, keys, messages
from device.messages import timeline
from enterprise import attendance
from enterprise import store as stores
from tests.broker import ADDRESS, Broker, missing
from tests.device import parts
from tests.e2e.test_selftest import SERVER_KEY

DEVICE = "kiosk-1970"
SOURCE = Path(__file__).with_name("wallclock.c")
PEOPLE = [f"p-{number:032x}" for number in range(1, 8)]
WITHIN_S = 40.0
RIGHT_TO = timedelta(seconds=1)


class Machine:
    """A state folder, and processes that see another wall clock."""

    def __init__(self, folder: Path, library: Path, broker: Broker) -> None:
        self.root, self._shift = folder / "kiosk", folder / "shift"
        self.root.mkdir(mode=0o700)
        own = broker.certificate_of(DEVICE)
        uplink = [
            "enabled = true",
            f'host = "{ADDRESS}"',
            f"port = {broker.port}",
            f'ca = "{broker.root}"',
            f'certificate = "{own.certificate}"',
            f'key = "{own.key}"',
            f'server_key = "{messages.public_key_text(SERVER_KEY)}"',
        ]
        text = "\n".join(["[device]", f'id = "{DEVICE}"', "[uplink]", *uplink, ""])
        self.root.joinpath("config.toml").write_text(text)
        self._environment = {**os.environ, "LD_PRELOAD": str(library), "WALLCLOCK_FILE": str(self._shift)}
        self._processes: list[subprocess.Popen[str]] = []
        self.set_wall(datetime(1970, 1, 1, 0, 0, 40, tzinfo=UTC))

    def set_wall(self, at: datetime) -> None:
        """What the wall clock says from now on."""
        self._shift.write_text(str(int((at - datetime.now(UTC)).total_seconds())))

    def start(self, *command: str) -> subprocess.Popen[str]:
        log = (self.root.parent / "log").open("a")
        words, pipe = (sys.executable, "-m", *command), subprocess.PIPE
        process = subprocess.Popen(words, env=self._environment, stdin=pipe, stdout=pipe, stderr=log, text=True)
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    made = tmp_path / "wallclock.so"
    try:
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE)], check=True)
    except FileNotFoundError:
        missing("a C compiler", "gcc libc6-dev")
    return made


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path / "b")
    made.folder.mkdir()
    made.prepare([DEVICE])
    made.start()
    yield made
    made.stop()


def ingester(broker: Broker, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "keys").mkdir(mode=0o700)
    key = folder / "keys" / "acknowledgement.key"
    key.write_bytes(SERVER_KEY.private_bytes_raw())
    key.chmod(0o600)
    own = broker.certificate_of("ingest")
    where = ["--database", f"sqlite:///{folder}/e.db", "--keys", str(key.parent), "--broker", f"{ADDRESS}:{broker.port}"]
    files = ["--ca", str(broker.root), "--cert", str(own.certificate), "--key", str(own.key)]
    return subprocess.Popen([sys.executable, "-m", "enterprise.commands.main", "ingest", *where, *files], stderr=subprocess.DEVNULL)


def counted(store: stores.Store) -> list[messages.Counted]:
    with store.reading() as connection:
        return list(attendance.counted(connection))


def test_a_kiosk_that_boots_at_1970_exports_every_time_right_to_a_second_and_in_order(
    tmp_path: Path, library: Path, broker: Broker
) -> None:
    store = stores.connect(f"sqlite:///{tmp_path}/e.db")
    taking = ingester(broker, tmp_path)
    with tempfile.TemporaryDirectory(prefix="daka-") as short:
        machine = Machine(Path(short), library, broker)
        try:
            truth = play(machine, store)
        finally:
            machine.close()
            taking.kill()
            taking.wait()
        found = counted(store)
        check(found, truth)
        check_kiosk(machine, truth)
    store.close()


@dataclass(frozen=True, slots=True)
class Between:
    """When something really was: after it was asked for, and before it was answered."""

    asked: datetime
    answered: datetime

    def is_right(self, at: datetime) -> bool:
        return self.asked - RIGHT_TO < at < self.answered + RIGHT_TO


def play(machine: Machine, store: stores.Store) -> dict[str, Between]:
    """Seven punches; when each really was."""
    truth: dict[str, Between] = {}
    kiosk = machine.start("tests.e2e.blind_kiosk", str(machine.root))
    assert kiosk.stdin is not None
    assert kiosk.stdout is not None
    key = kiosk.stdout.readline().strip()
    with store.transaction() as transaction:
        transaction.trust(DEVICE, key, datetime.now(UTC))

    def punch(person: str) -> str:
        asked = datetime.now(UTC)
        kiosk.stdin.write(person + "\n")  # type: ignore[union-attr]
        kiosk.stdin.flush()  # type: ignore[union-attr]
        said = kiosk.stdout.readline()  # type: ignore[union-attr]
        truth[person] = Between(asked, datetime.now(UTC))
        return said

    for person in PEOPLE[:3]:
        assert " 1970-01-01T" in punch(person)
        time.sleep(0.3)
    machine.start("device.commands.main", "--state", str(machine.root), "run", "uplink")
    wait_for(store, 3)
    _, shown = punch(PEOPLE[3]).split()
    assert truth[PEOPLE[3]].is_right(messages.read_time(shown))
    machine.set_wall(datetime.now(UTC) + timedelta(hours=5))
    punch(PEOPLE[4])
    machine.set_wall(datetime.now(UTC) - timedelta(days=2))
    punch(PEOPLE[5])
    punch(PEOPLE[6])
    wait_for(store, 7)
    return truth


def wait_for(store: stores.Store, punches: int) -> None:
    """Until so many punches, and the time, are in the enterprise's database."""
    deadline = time.monotonic() + WITHIN_S
    query = "SELECT count(*) FILTER (WHERE kind = 'punch'), count(*) FILTER (WHERE kind = 'time') FROM record"
    while True:
        with store.reading() as connection:
            found = tuple(connection.exec_driver_sql(query).one())
        if found[0] >= punches and found[1]:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def check(found: list[messages.Counted], truth: dict[str, Between]) -> None:
    assert [one.person for one in found] == PEOPLE
    assert [one.at.review for one in found] == [False] * 7
    assert [one.person for one in found if not truth[one.person].is_right(one.at.at)] == []
    times = [one.at.at for one in found]
    assert times == sorted(times)


def check_kiosk(machine: Machine, truth: dict[str, Between]) -> None:
    """The kiosk itself, and whoever holds nothing but its records, reads the same times."""
    opened = journal.Journal(machine.root / "journal.db", DEVICE, keys.journal_key(machine.root / "keys"), parts.SOFTWARE)
    opened.verify()
    records = list(opened.of_kinds(("genesis", "boot", "punch", "time")))
    alone = timeline.read(records)
    for record in (one for one in records if one.kind == "punch"):
        at = opened.timeline().correct(record.stamp).at
        assert at == alone.correct(record.stamp).at
        assert truth[record.body["person"]].is_right(at)
    opened.close()
