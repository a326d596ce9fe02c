"""What may be asked about backups. Sealed files go out and come in; the passphrase is used and forgotten."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable

from flask import Response, request

from device import api, messages, server
from device.api.backups import Backup, BackupContent
from device.backups.restoring import Aside, write
from device.backups.sealed import BackupRefused
from device.backups.shelf import Shelf
from device.server import Route
from device.telling import Tell, silent

MOST_OFFSET = 2.0**40
UNCONFIRMED_S = 3_600.0


class Counter:
    """One piece of work at a time: two would want twice the room."""

    def __init__(
        self,
        shelf: Shelf,
        aside: Aside,
        record: Callable[[messages.Audit], object],
        restart: Callable[[], None],
        teller: Callable[[], Tell] = lambda: silent,
    ) -> None:
        self._shelf, self._aside, self._record, self._restart, self._teller = shelf, aside, record, restart, teller
        self._working = threading.Lock()
        self._forgetting: threading.Timer | None = None

    def make(self) -> Backup:
        """A new sealed file."""
        passphrase, by = server.json_fields("passphrase", "by")
        with self._working:
            made = self._shelf.make(passphrase, self._teller())
        self._record(messages.Audit("backup_made", by, "", "", made.name))
        return made

    def list(self) -> tuple[Backup, ...]:
        """Those that lie here."""
        return self._shelf.list()

    def piece(self) -> Response:
        """A piece of one, as it lies there."""
        offset = int(server.number_argument("offset", MOST_OFFSET))
        return Response(self._shelf.piece(request.args.get("name", ""), offset), mimetype="application/octet-stream")

    def remove(self) -> api.Done:
        """It lies here no more."""
        name, by = server.json_fields("name", "by")
        self._shelf.remove(name)
        self._record(messages.Audit("backup_removed", by, "", name, ""))
        return api.Done()

    def take(self) -> api.Done:
        """A piece of what is to be restored."""
        with self._working:
            offset, total = (int(server.number_argument(name, MOST_OFFSET)) for name in ("offset", "total"))
            self._aside.take(offset, request.get_data(), total)
            self._forget_later()
        return api.Done()

    def look(self) -> BackupContent:
        """What it holds; nothing changes."""
        (passphrase,) = server.json_fields("passphrase")
        with self._working:
            before = self._shelf.cleared.times
            found = self._aside.look(passphrase, self._teller())
            self._forget_later()
            if self._shelf.cleared.times != before:
                self._aside.forget()
                raise BackupRefused("somebody was erased while the backup was opened; bring it again")
            return found

    def _forget_later(self) -> None:
        """What nobody confirms lies here open: after an hour it goes."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = threading.Timer(UNCONFIRMED_S, self._forget)
        self._forgetting.daemon = True
        self._forgetting.start()

    def _forget(self) -> None:
        with self._working:
            self._aside.forget_unconfirmed()

    def restore(self) -> api.Done:
        """It takes the place of what is here, at the start that follows at once."""
        by, key = server.json_fields("by", "key")
        with self._working:
            self._aside.make_ready(by, key)
        self._restart()
        return api.Done()

    def keys(self) -> Response:
        """The keys, sealed into a file of their own: never for the web UI."""
        passphrase, by = server.json_fields("passphrase", "by")
        data = self._shelf.keys(passphrase)
        self._record(messages.Audit("backup_keys_made", by))
        write(self._shelf.folder.keys_copied, b"")
        return Response(data, mimetype="application/octet-stream")

    def take_keys(self) -> api.Done:
        """The keys that a backup hangs on, for a machine that has others."""
        data, passphrase = server.json_fields("data", "passphrase")
        with self._working:
            self._aside.take_keys(base64.b64decode(data), passphrase)
        return api.Done()

    def key_routes(self) -> tuple[Route, ...]:
        """For the command line alone: whoever can be reached from the office network must never have a key."""
        return (Route("POST", "/v1/backup-keys", self.keys), Route("POST", "/v1/restore-keys", self.take_keys))

    def routes(self) -> tuple[Route, ...]:
        """For the web UI and the command line alike."""
        return (
            Route("POST", "/v1/backup", self.make),
            Route("GET", "/v1/backups", self.list),
            Route("GET", "/v1/backup-piece", self.piece),
            Route("POST", "/v1/backup-removal", self.remove),
            Route("POST", "/v1/restore-piece", self.take),
            Route("POST", "/v1/restore-look", self.look),
            Route("POST", "/v1/restore", self.restore),
        )


def counter(shelf: Shelf, stop: threading.Event, teller: Callable[[], Tell]) -> Counter:
    """Of this kiosk daemon, which ends once its answer has gone out; whoever keeps it running starts it again."""

    def record(body: messages.Audit) -> None:
        shelf.journal.append(body, shelf.clock.now())

    return Counter(shelf, Aside(shelf.folder), record, lambda: threading.Timer(0.2, stop.set).start(), teller)
