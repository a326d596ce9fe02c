"""Backups as the web UI and the command line ask for them. What goes out is sealed; no key of it is ever in an answer."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from device import messages
from device.api.client import Client

PIECE_BYTES = 4 * 2**20
WORK_S = 900.0  # Argon2id, and all records, on a slow card


@dataclass(frozen=True, slots=True)
class Backup:
    """A sealed file that lies on the kiosk; `at` is when it was made, UTC."""

    name: str
    at: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What a backup holds, and what restoring it here would mean.

    `keeps_journal`: this kiosk's own journal goes on, because it is whole and of the same key; otherwise it is put aside with
    `unsent` records that the server has not signed for, and a new epoch begins. `erased`: people in the backup who were erased here
    since and stay erased. `people_damaged`: the people's file here cannot be read, so that nothing of it is carried over.
    `settings_unreadable`: no kiosk of this version would start with the backup's settings, so that those here stay.
    `key`: what confirms this look and no other.
    """

    device: str
    at: str
    software: str
    people: int
    templates: int
    records: int
    keeps_journal: bool
    unsent: int
    erased: int
    people_damaged: bool = False
    settings_unreadable: bool = False
    key: str = ""


class BackupsClient(Client):
    """Either socket on which backups can be asked for."""

    def make_backup(self, passphrase: str, by: str, work: str = "") -> Backup:
        """Seal everything into a new file on the kiosk; `work`: the key under which it tells how far it is."""
        answer = self._ask("POST", "/v1/backup", json={"passphrase": passphrase, "by": by, "work": work}, timeout_s=WORK_S)
        return messages.CODEC.structure(answer.json(), Backup)

    def backups(self) -> tuple[Backup, ...]:
        """The files that lie on the kiosk, newest first."""
        return self._get("/v1/backups", tuple[Backup, ...])

    def backup_piece(self, name: str, offset: int) -> bytes:
        """A piece of one of them, as it lies there, sealed; empty at the end."""
        return self._ask("GET", "/v1/backup-piece", params={"name": name, "offset": offset}, timeout_s=60.0).content

    def remove_backup(self, name: str, by: str) -> None:
        """It lies on the kiosk no more."""
        self._ask("POST", "/v1/backup-removal", json={"name": name, "by": by})

    def restore_piece(self, offset: int, piece: bytes, total: int = 0) -> None:
        """Bring a sealed file, piece by piece from 0 on; what was brought before goes with the first.

        `total`: the length of all pieces, where it is known: without room for it nothing is taken.
        """
        self._ask("POST", "/v1/restore-piece", params={"offset": offset, "total": total}, content=piece, timeout_s=60.0)

    def look_into_restore(self, passphrase: str, work: str = "") -> BackupContent:
        """Open what was brought and say what it holds; nothing changes. `work`: as with `make_backup`."""
        answer = self._ask("POST", "/v1/restore-look", json={"passphrase": passphrase, "work": work}, timeout_s=WORK_S)
        return messages.CODEC.structure(answer.json(), BackupContent)

    def restore(self, by: str, key: str) -> None:
        """What was looked into, as `key` names it, takes the place of what is here; the kiosk daemon restarts for it."""
        self._ask("POST", "/v1/restore", json={"by": by, "key": key})


class KeysClient(BackupsClient):
    """The command line's side, which may have the keys too, sealed."""

    def backup_keys(self, passphrase: str, by: str) -> bytes:
        """The keys of this kiosk, sealed into a file of their own."""
        return self._ask("POST", "/v1/backup-keys", json={"passphrase": passphrase, "by": by}, timeout_s=60.0).content

    def restore_keys(self, data: bytes, passphrase: str) -> None:
        """Bring the sealed keys that a backup hangs on, after the backup itself."""
        body = {"data": base64.b64encode(data).decode("ascii"), "passphrase": passphrase}
        self._ask("POST", "/v1/restore-keys", json=body, timeout_s=60.0)
