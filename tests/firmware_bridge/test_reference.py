"""The reference lock: its memory survives kill -9 at every step without a stamp too many, and its command line is the hand."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import messages
from device.messages.lock import EventKind
from firmware_bridge.protocol import commands
from firmware_bridge.protocol.commands import Refused, Result
from firmware_bridge.protocol.memory import Change, Kept
from firmware_bridge.reference import store
from firmware_bridge.reference.errors import StateBroken
from tests.firmware_bridge.parts import LOCK_ID, World, key

REPOSITORY = Path(__file__).resolve().parents[2]
KEYS = tuple(messages.public_key_text(key(name)) for name in ("server", "clock"))


@pytest.fixture
def home(tmp_path: Path) -> store.Home:
    return store.create(tmp_path / "lock", LOCK_ID, "Finance seal", key("server").public_key(), key("clock").public_key())


def die_at(home: store.Home, step: int) -> tuple[int, str]:
    command = (sys.executable, "-m", "tests.firmware_bridge.dies", str(home.root), str(step))
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("step", range(7))
def test_killed_at_any_step_of_a_stamp_the_lock_never_stamps_once_too_often(home: store.Home, step: int) -> None:
    """Armed, counted, moved: two steps each, and the last one survives. Then the same command, and another, are tried."""
    code, said = die_at(home, step)
    moved = said.count("moved")
    assert (code == -signal.SIGKILL) is (step < 6)
    memory = store.DiskMemory(home.database)
    world = World(memory=memory)  # type: ignore[arg-type]
    visit = world.visit()
    visit.tell()
    grant, command = world.grant(stamps=1, id=bytes(16)), bytes(range(16))
    answer = visit.arm(grant, command)
    assert isinstance(answer, commands.Outcome)
    if answer.result == Result.ARMED:
        moved += visit.press()
    assert isinstance(visit.arm(grant), Refused)
    assert moved <= 1
    counted = memory.used(grant.id)
    assert counted == 1
    assert [event.number for event in visit.read_log()] == list(range(1, memory.kept().last + 1))
    memory.close()


def test_between_counted_and_moved_the_stamp_is_lost_and_not_made_later(home: store.Home) -> None:
    code, said = die_at(home, 3)  # counted, and killed before the word to move
    assert (code, said) == (-signal.SIGKILL, "")
    memory = store.DiskMemory(home.database)
    world = World(memory=memory)  # type: ignore[arg-type]
    visit = world.visit()
    outcome = visit.ask(commands.AskOutcome(bytes(range(16))))
    assert isinstance(outcome, commands.Outcome)
    assert outcome.result == Result.UNFINISHED
    assert EventKind.UNFINISHED in [event.kind for event in visit.read_log()]
    memory.close()


def test_a_change_is_whole_or_not_at_all(home: store.Home) -> None:
    memory = store.DiskMemory(home.database)
    before = memory.kept()
    broken = Change(Kept("new name"), events=((1, b"one"), (1, b"the same number again")))
    with pytest.raises(sqlite3.IntegrityError):
        memory.commit(broken)
    assert memory.kept() == before
    memory.close()
    again = store.DiskMemory(home.database)
    assert (again.kept(), again.events(0, 9)) == (before, ())
    again.close()


def test_a_grant_long_expired_is_forgotten_and_its_room_used_again(home: store.Home) -> None:
    memory = store.DiskMemory(home.database)
    world = World(memory=memory)  # type: ignore[arg-type]
    visit, grant = world.visit(), world.grant()
    visit.tell()
    visit.arm(grant)
    visit.press()
    assert memory.used(grant.id) == 1
    visit.tell(at=grant.expires_at + 2 * 86_400)
    assert memory.used(grant.id) == 0
    memory.close()
    again = store.DiskMemory(home.database)
    later = World(memory=again).visit()  # type: ignore[arg-type]
    later.tell()  # the time was wrong, or the server lied
    assert later.arm(grant) == Refused("expired")
    again.close()


def test_a_lock_of_an_earlier_version_goes_on(home: store.Home) -> None:
    with sqlite3.connect(home.database) as connection:
        connection.execute("ALTER TABLE kept DROP COLUMN forgotten")
    memory = store.DiskMemory(home.database)
    assert memory.kept() == Kept("Finance seal")
    World(memory=memory).visit()  # type: ignore[arg-type]
    assert memory.kept().boot == 1
    memory.close()


def test_a_lock_is_made_once(home: store.Home) -> None:
    with pytest.raises(StateBroken, match="made once"):
        store.create(home.root, LOCK_ID, "again", key("server").public_key(), key("clock").public_key())


@pytest.mark.parametrize("file", [store.KEY, store.ID, store.GRANT_KEY])
def test_a_missing_file_is_named(home: store.Home, file: str) -> None:
    (home.root / file).unlink()
    with pytest.raises(StateBroken, match=file):
        (home.key, home.lock_id, home.grant_key)[(store.KEY, store.ID, store.GRANT_KEY).index(file)]()


def test_a_damaged_memory_stamps_nothing(home: store.Home) -> None:
    with sqlite3.connect(home.database) as connection:
        connection.execute("DELETE FROM kept")
    with pytest.raises(StateBroken, match="stamps nothing"):
        store.DiskMemory(home.database)


def daka_lock(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "firmware_bridge.reference.commands", *arguments)
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "lock"
    made = daka_lock("init", "--dir", str(folder), LOCK_ID, *KEYS, "--name", "Finance seal")
    assert made.stdout.startswith("ed25519:"), made.stderr
    command = (sys.executable, "-m", "firmware_bridge.reference.commands", "run", "--dir", str(folder), "--move-ms", "0")
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("DBUS_SYSTEM_BUS_ADDRESS=unix:path=")
    assert "on the air" in process.stdout.readline()
    yield folder
    process.terminate()
    assert process.wait(10) == 0


def test_the_command_line_is_the_hand_at_the_lock(running: Path) -> None:
    at = ("--dir", str(running))
    shown = json.loads(daka_lock("show", *at).stdout)
    assert (shown["state"], shown["events"], shown["battery"], shown["tampered"]) == ("alone", 1, 100, False)
    assert daka_lock("press", *at).returncode == 1
    daka_lock("battery", *at, "9")
    daka_lock("drop", *at)
    shown = json.loads(daka_lock("show", *at).stdout)
    assert (shown["events"], shown["battery"], shown["tampered"]) == (3, 9, True)
    assert "nobody is pairing" in daka_lock("agree", *at).stderr


def test_a_lock_that_does_not_run_says_how_to_start_it(tmp_path: Path) -> None:
    began = time.monotonic()
    done = daka_lock("show", "--dir", str(tmp_path))
    assert (done.returncode, "daka-lock run" in done.stderr) == (1, True)
    assert time.monotonic() - began < 20
