"""Whose signatures this kiosk believes: those of the enterprise that it has joined, or of the keys that its configuration names.

Joining pins the enterprise's root; from then on the root's key sets are followed, upwards only, and the configuration's keys count
no more. Where the file that says whom is damaged nobody is believed at all.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device import database, durable, membership, messages
from device.config import Uplink
from device.membership import Membership as Membership
from device.membership import TrustError as TrustError
from device.membership import read as read

log = logging.getLogger(__name__)


class Trust:
    """The keys that count now. Safe to use from several threads."""

    def __init__(self, path: Path, pinned: Uplink) -> None:
        self._path, self._pinned = path, pinned
        self._lock = threading.Lock()
        self.is_damaged = False
        try:
            self._member = read(path)
            self._keys = messages.read_key_set(self._member.key_set, self._member.root) if self._member else None
        except (TrustError, messages.MessageError) as error:  # punches go before trust
            log.error("%s: %s", path.name, error)
            self._member, self._keys, self.is_damaged = None, None, True

    @property
    def root(self) -> str:
        """The joined enterprise's root key; empty if none was joined."""
        return self._member.root if self._member else ""

    def keys(self, role: str) -> tuple[Ed25519PublicKey, ...]:
        """The keys for `role`: acknowledgement, policy, grant or update; none where nobody is believed."""
        keys = self._keys
        if self.is_damaged:
            return ()
        if keys is not None:
            return keys.keys(role)
        pinned = {"acknowledgement": self._pinned.server_key, "policy": self._pinned.policy_key}.get(role, "")
        return (messages.public_key_from_text(pinned),) if pinned else ()

    def follow(self, data: Any) -> bool:
        """Take over a key set of the joined root that is newer than ours; whether it was. MessageError for a forged one."""
        with self._lock:
            if self._member is None:
                return False
            found = messages.read_key_set(data, self._member.root)
            if self._keys is not None and found.version <= self._keys.version:
                return False
            member = dataclasses.replace(self._member, key_set=data)
            write(self._path, member)
            self._member, self._keys = member, found
        log.info("the enterprise's key set %d is followed", found.version)
        return True


def write(path: Path, member: Membership) -> None:
    """Whole or not at all, durable when this returns; StorageError where the disk does not take it."""
    try:
        membership.write(path, member)
    except durable.NotKept as error:
        raise database.StorageFailing(str(error)) from error
