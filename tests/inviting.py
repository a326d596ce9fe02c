"""An enterprise that kiosks can join, with its join service in a thread of the test; for every test that joins."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner

from enterprise import authority, join_service
from enterprise import joining as office
from enterprise import store as stores
from enterprise.commands import main as commands
from tests.broker import ADDRESS, free_port

BROKER = "mqtt.example:8883"


class House:
    """An enterprise with its authority (of its own, or one that is there), keys and join service."""

    def __init__(self, folder: Path, name: str = "ours", pki: Path | None = None) -> None:
        self.pki, self.keys, self.root_keys = (folder / name / part for part in ("pki", "keys", "root"))
        self.database = f"sqlite:///{folder}/{name}.db"
        self.port = free_port()
        self.url = f"https://{ADDRESS}:{self.port}"
        if pki is None:
            self.run("authority", "init", "--dir", str(self.pki))
            self.run("authority", "server", ADDRESS, "--dir", str(self.pki))
        self.pki = pki or self.pki
        self.run("keys", "init", "root", "--dir", str(self.root_keys))
        for role in ("acknowledgement", "policy"):
            self.run("keys", "init", role, "--dir", str(self.keys))
        self.run("keys", "sign", "--root", str(self.root_keys), "--dir", str(self.keys))
        self.where = ("--dir", str(self.pki), "--keys", str(self.keys), "--database", self.database)
        self.store = stores.connect(self.database)
        self._serve()

    def _serve(self) -> None:
        own = authority.place(self.pki, authority.BROKER)
        service = join_service.Service(self.store, self.pki, self.root, lambda: datetime.now(UTC))
        self._server = join_service.server(join_service.application(service), ADDRESS, self.port, own.certificate, own.key)
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()

    @property
    def root(self) -> str:
        return self.run("keys", "show", "root", "--dir", str(self.root_keys))

    def run(self, *words: str) -> str:
        done = CliRunner().invoke(commands.daka_enterprise, words)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout.strip()

    def invite(self, device: str = "") -> str:
        return self.run("join", "invite", *([device] if device else []), "--url", self.url, *self.where)

    def confirm(self, code: str, *more: str, broker: str = BROKER) -> str:
        return self.run("join", "confirm", code, "--broker", broker, *self.where, *more)

    def waiting(self) -> list[office.Waiting]:
        with self.store.transaction() as transaction:
            return office.waiting(transaction.connection, datetime.now(UTC))

    def close(self) -> None:
        self._server.stop()
        self._thread.join(10)
        self.store.close()
