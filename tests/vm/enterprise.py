"""The enterprise beside the emulated machine: a real Mosquitto and the ingester on this machine's loopback, and what they hold."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from enterprise import attendance
from enterprise import store as stores
from tests.broker import ADDRESS, Broker
from tests.vm.machine import BROKER_INSIDE

DEVICE = "kiosk-1"


class Enterprise:
    """Broker, ingester and database; certificates for the broker as the guest calls it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.broker = Broker(folder, names=(ADDRESS, BROKER_INSIDE))
        self.broker.prepare([DEVICE])
        self.call("keys", "init", "--dir", str(folder / "keys"))
        self._ingester: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> str:
        return f"sqlite:///{self._folder / 'enterprise.db'}"

    def open(self) -> None:
        self.broker.start()
        own = self.broker.certificate_of("ingest")
        where = ("--database", self.database, "--keys", str(self._folder / "keys"), "--broker", f"{ADDRESS}:{self.broker.port}")
        files = ("--ca", str(self.broker.root), "--cert", str(own.certificate), "--key", str(own.key))
        with (self._folder / "ingest.log").open("ab") as log:
            command = ("setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "enterprise.commands.main", "ingest", *where, *files)
            self._ingester = subprocess.Popen(command, stdout=log, stderr=log)

    def close(self) -> None:
        if self._ingester is not None:
            self._ingester.terminate()
            self._ingester.wait(10)
        self.broker.stop()

    def call(self, *arguments: str) -> str:
        done = subprocess.run(
            (sys.executable, "-m", "enterprise.commands.main", *arguments),
            capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "250"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def key(self) -> str:
        """Its public key for acknowledgements, as a kiosk's settings want it."""
        return self.call("keys", "show", "--dir", str(self._folder / "keys")).strip().splitlines()[-1]

    def trust(self, key: str) -> None:
        self.call("trust", DEVICE, key, "--database", self.database)

    def punches(self) -> list[int]:
        """The numbers of the punches that the ingester has committed, one for each row."""
        return [int(seq) for (seq,) in self._rows("SELECT seq FROM record WHERE kind = 'punch' ORDER BY seq")]

    def last(self) -> int:
        """The number of the last record here; 0 for none."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM record")[0][0])

    def kinds(self) -> dict[str, int]:
        return {str(kind): int(count) for kind, count in self._rows("SELECT kind, count(*) FROM record GROUP BY kind")}

    def times(self) -> dict[int, datetime]:
        """When each punch counts, corrected."""
        store = stores.connect(self.database)
        try:
            with store.reading() as connection:
                return {one.seq: one.at.at for one in attendance.counted(connection)}
        finally:
            store.close()

    def alarms(self) -> list[str]:
        return [str(kind) for (kind,) in self._rows("SELECT kind FROM alarm")]

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        store = stores.connect(self.database)
        try:
            with store.reading() as connection:
                return [tuple(row) for row in connection.exec_driver_sql(query)]
        finally:
            store.close()
