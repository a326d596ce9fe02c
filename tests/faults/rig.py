"""Kiosk, uplink, broker, ingester and database of one campaign, each a process of its own that may be killed at any moment."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from device import durable, journal, keys, messages, state
from enterprise import keys as server_keys
from enterprise import store as stores
from enterprise.commands import main as enterprise_commands
from tests.broker import ADDRESS, Broker
from tests.faults import machine
from tests.postgres import Postgres

DEVICE = "kiosk-1"
PAUSE_S = 0.03  # between two punches, on average
SETTLES_WITHIN_S = 120.0  # on a machine that others use, too
VICTIMS = ("kiosk", "uplink", "ingester", "broker")


class NotSettled(AssertionError):
    """The server did not come to have what the kiosk has."""


@dataclass
class Rig:
    """`disk` is where the kiosk's state lies; everything else lies in `folder`."""

    folder: Path
    disk: Path
    database: str
    pause_s: float = PAUSE_S
    server: Postgres | None = None  # where the database is not SQLite
    broker: Broker = field(init=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)  # persons who were refused by a disk that took nothing back any more

    def __post_init__(self) -> None:
        self.broker = Broker(self.folder / "broker")

    @property
    def kiosk(self) -> state.Folder:
        return state.Folder(self.disk / "kiosk", sockets=self.folder / "run")

    @property
    def machine_file(self) -> Path:
        return self.folder / "machine.json"

    @property
    def quiet(self) -> Path:
        return self.folder / "quiet"

    def prepare(self) -> None:
        """Certificates, keys, settings, and the kiosk's key trusted; nothing runs yet."""
        (self.folder / "broker").mkdir()
        (self.folder / "run").mkdir(mode=0o700)
        self.broker.prepare([DEVICE])
        machine.write(machine.Machine(machine.new_boot_id()), self.machine_file)
        self._enterprise("keys", "init", "--dir", str(self.folder / "keys"))
        self.kiosk.root.mkdir(mode=0o700)
        public = messages.public_key_text(keys.journal_key(self.kiosk.keys, may_create=True))
        self._enterprise("trust", DEVICE, public, "--database", self.database)
        with self.kiosk.config.open("w", encoding="utf-8") as file:
            file.write(self._settings())
            file.flush()
            os.fsync(file.fileno())  # or the first fault of the disk takes it away
        durable.sync_folder(self.kiosk.root)

    def _settings(self) -> str:
        own = self.broker.certificate_of(DEVICE)
        server_key = messages.public_key_text(server_keys.read(self.folder / "keys"))
        lines = [f'host = "{ADDRESS}"', f"port = {self.broker.port}", f'ca = "{self.broker.root}"', "enabled = true"]
        lines += [f'certificate = "{own.certificate}"', f'key = "{own.key}"', f'server_key = "{server_key}"']
        return "\n".join([f'[device]\nid = "{DEVICE}"', "[uplink]", *lines]) + "\n"

    def _enterprise(self, *words: str) -> None:
        CliRunner().invoke(enterprise_commands.daka_enterprise, list(words), catch_exceptions=False)

    def start_all(self) -> None:
        for name in reversed(VICTIMS):
            self.start(name)

    def start(self, name: str) -> None:
        if name == "broker":
            self.broker.start()
            return
        with (self.folder / f"{name}.out").open("ab") as out, (self.folder / f"{name}.log").open("ab") as err:
            self.processes[name] = subprocess.Popen(self._commands()[name], stdout=out, stderr=err)

    def _commands(self) -> Mapping[str, list[str]]:
        own = self.broker.certificate_of("ingest")
        ingest = ["ingest", "--database", self.database, "--keys", str(self.folder / "keys"), "--broker", self.broker.address]
        ingest += ["--spread", "1", "--ca", str(self.broker.root), "--cert", str(own.certificate), "--key", str(own.key)]
        where = [str(self.kiosk.root), str(self.machine_file), str(self.pause_s)]
        uplink = ["tests.faults.uplink", str(self.kiosk.root), str(self.folder / "run")]
        python = [sys.executable, "-m"]
        return {
            "ingester": [*python, "enterprise.commands.main", "--log-level", "warning", *ingest],
            "uplink": [*python, *uplink],
            "kiosk": [*python, "tests.faults.kiosk", *where],
        }

    def kill(self, name: str) -> None:
        """SIGKILL: no goodbye, no last write."""
        if name == "broker":
            self.broker.kill()
            return
        process = self.processes[name]
        process.kill()
        process.wait()

    def stop(self, name: str) -> None:
        """SIGTERM, and SIGKILL for whoever does not hear it."""
        process = self.processes[name]
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def end_all(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.broker.stop()

    def said(self) -> Said:
        """Everything that the screen has said, in that order."""
        epoch, found = "", Said([], [], [])
        for line in (self.folder / "kiosk.out").read_text(encoding="ascii").split("\n")[:-1]:
            match line.split():
                case ["begun", here]:
                    epoch = here
                case ["tries", who]:
                    found.silences.append(who)  # until there is an answer
                case ["receipt", seq, digest, true_us]:
                    found.receipts.append(Receipt(epoch, int(seq), digest, int(true_us), found.silences.pop()))
                case ["refused", _]:
                    found.refused.append(found.silences.pop())
        return found

    def receipts(self) -> list[Receipt]:
        """Everything that the screen has said yes to."""
        return self.said().receipts

    def refusals(self) -> int:
        return len(self.said().refused)

    def goes_on(self, within_s: float = SETTLES_WITHIN_S) -> None:
        """Wait until the screen has said yes once more."""
        before = len(self.receipts())
        self.wait(lambda: "the kiosk takes no punch", lambda: len(self.receipts()) > before, within_s)

    def is_refused(self, before: int, within_s: float) -> None:
        """Wait until the screen has said no more often than `before`: the trouble has arrived."""
        self.wait(lambda: "no punch was refused", lambda: self.refusals() > before, within_s)

    def settle(self, within_s: float = SETTLES_WITHIN_S, *, stay_quiet: bool = False) -> None:
        """No new punches, and wait until the server has signed for everything; then punches go on, unless it should stay quiet."""
        self.quiet.touch()
        self.wait(lambda: "the kiosk does not become quiet", self._is_quiet, within_s)
        self.wait(lambda: "the server has not signed for everything", self._is_settled, within_s)
        if not stay_quiet:
            self.quiet.unlink()

    def wait(self, complaint: Callable[[], str], true: Callable[[], bool], within_s: float = SETTLES_WITHIN_S) -> None:
        """Until it is true; NotSettled with the complaint otherwise."""
        deadline = time.monotonic() + within_s
        while not true():
            if time.monotonic() > deadline:
                raise NotSettled(f"{complaint()} after {within_s:.0f} s; the logs in {self.folder} say why")
            time.sleep(0.1)

    def _is_quiet(self) -> bool:
        """Whoever was punching when the file was laid there has got their answer."""
        return (self.folder / "kiosk.out").read_text(encoding="ascii").endswith("\nquiet\n")

    def _is_settled(self) -> bool:
        """Read from outside; the daemon has the file open, in WAL mode that disturbs nobody."""
        try:
            with closing(sqlite3.connect(f"file:{self.kiosk.journal}?mode=ro", uri=True, timeout=1.0)) as connection:
                (last,) = connection.execute("SELECT max(seq) FROM record").fetchone()
                upto = connection.execute("SELECT upto FROM acknowledged").fetchone()
        except sqlite3.Error:
            return False
        return upto is not None and upto[0] == last and last > 1

    def kept(self) -> tuple[str, dict[int, str]]:
        """The epoch that the kiosk writes, and the hash of each record that is still there; its daemon may run."""
        with closing(sqlite3.connect(f"file:{self.kiosk.journal}?mode=ro", uri=True, timeout=1.0)) as connection:
            rows = connection.execute("SELECT epoch.epoch, seq, hash FROM record, epoch").fetchall()
        return rows[0][0], {seq: digest.hex() for _, seq, digest in rows}

    def journal(self) -> journal.Journal:
        """The kiosk's journal; its daemon must be stopped."""
        key = keys.journal_key(self.kiosk.keys, may_create=False)
        now = machine.Clock(self.machine_file).now()
        return journal.open_journal(self.kiosk.journal, DEVICE, key, "faults", now, replace_damaged=False)

    def folded_journal(self) -> bytes:
        """The journal's file with its write-ahead log folded in; its daemon must be stopped."""
        opened = self.journal()
        opened._database.checkpoint()
        opened.close()
        return self.kiosk.journal.read_bytes()

    def backup(self) -> Path:
        """The enterprise's database as it is now."""
        kept = self.folder / "backup.db"
        if self.server is not None:
            self.server.dump(self.database, kept)
            return kept
        with closing(sqlite3.connect(self.database.removeprefix("sqlite:///"))) as live, closing(sqlite3.connect(kept)) as copy:
            live.backup(copy)
        return kept

    def restore(self, kept: Path) -> None:
        """Put the older database in the place of the newer one; the ingester must be stopped."""
        if self.server is not None:
            self.server.restore(self.database, kept)
            return
        path = Path(self.database.removeprefix("sqlite:///"))
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(kept, path)

    def store(self) -> stores.Store:
        return stores.connect(self.database, create=False)


@dataclass(frozen=True, slots=True)
class Said:
    """What the screen has said: to whom yes, to whom no, and to whom nothing, because it was ended before it could."""

    receipts: list[Receipt]
    refused: list[str]
    silences: list[str]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A yes, and when that really was."""

    epoch: str
    seq: int
    hash: str
    true_us: int
    person: str
