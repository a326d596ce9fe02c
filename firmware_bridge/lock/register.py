"""Which locks this kiosk has, and where: a small file of the bridge's own. Bonds lie with BlueZ, keys nowhere here."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from device.sentences import say
from firmware_bridge.lock.driver import OURS
from firmware_bridge.lock.errors import LockUnknown, MemoryBroken


@dataclass(frozen=True, slots=True)
class Entry:
    """One lock."""

    lock: str
    address: str
    driver: str = OURS


class Register:
    """The file; each change is whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = {entry.lock: entry for entry in _read(path)}

    def all(self) -> tuple[Entry, ...]:
        """Every lock, by id."""
        return tuple(self._entries[lock] for lock in sorted(self._entries))

    def get(self, lock: str) -> Entry:
        """The lock, or LockUnknown."""
        if lock not in self._entries:
            raise LockUnknown(say("lock.not_here", lock=lock))
        return self._entries[lock]

    def put(self, entry: Entry) -> None:
        """Keep it, in place of an earlier one of the same id."""
        self._write(self._entries | {entry.lock: entry})

    def remove(self, lock: str) -> None:
        """Forget it."""
        self._write({one: entry for one, entry in self._entries.items() if one != lock})

    def _write(self, entries: dict[str, Entry]) -> None:
        draft = self._path.with_suffix(f".{secrets.token_hex(4)}.new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
                json.dump([asdict(entry) for entry in entries.values()], file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise MemoryBroken(say("lock.memory_unwritten", path=self._path, why=error.strerror)) from error
        self._entries = entries


def _read(path: Path) -> list[Entry]:
    try:
        return [Entry(**plain) for plain in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise MemoryBroken(say("lock.memory_unread", path=path, why=type(error).__name__)) from error
