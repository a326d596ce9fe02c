"""Whose signature makes a release: a chain of TUF roots that begins with the key this machine was given.

A root names the key of its successor and those of releases. It counts only if it bears the next number and both the root before it
and it itself have signed it (TUF 1.0, 5.3); the first that a machine follows, if the key that it was given has. None is ever gone
back from: the newest is on the disk before anything that it signs is believed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import SSlibKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets

from device import durable, messages
from device.errors import DeviceError
from device.sentences import say

FIELD = "roots"  # beside a release's signature: what it carries to whoever has not followed yet
MOST_ROOTS = 100
PINNED = 1  # the number of the root that only the pinned key stands for
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


class RootRefused(DeviceError):
    """No signature that counts here leads to the release; the message says why."""


class RootsUnreadable(DeviceError):
    """What was followed so far cannot be read or kept; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Roots:
    """`path` keeps the newest root that was followed, `pinned` is the key that this machine was given.

    It may be any key that ever signed a root: the chain is entered at the newest of those. Where another key is given later, it is
    entered anew with that one: the way out when a root's key is lost.
    """

    path: Path
    pinned: Ed25519PublicKey

    def check(self, release: Metadata[Targets], now: datetime | None) -> None:
        """RootRefused unless a key of the newest root has signed `release`; the roots that it brings are followed first.

        `now` is None while the clock cannot be trusted: then a root's expiry is not looked at.
        """
        newest = self._follow(brought_by(release))
        if now is not None and newest.expires < now:
            raise RootRefused(say("root.ran_out", number=newest.version, day=f"{newest.expires:%Y-%m-%d}"))
        _verify(newest, Targets.type, release)

    def newest(self) -> Root:
        """The last one that was followed; the pinned key as root 1 before any was."""
        try:
            kept = json.loads(self.path.read_text("ascii"))
            return read(kept["root"]).signed if kept["pinned"] == self._pinned else self._first()
        except FileNotFoundError:
            return self._first()
        except (OSError, ValueError, KeyError, TypeError, RootRefused) as error:
            raise RootsUnreadable(say("root.kept_unreadable", path=self.path, why=type(error).__name__)) from error

    @property
    def _pinned(self) -> str:
        return messages.public_key_text(self.pinned)

    def _first(self) -> Root:
        root, key = Root(version=PINNED, expires=NEVER), SSlibKey.from_crypto(self.pinned)
        root.add_key(key, Root.type)
        root.add_key(key, Targets.type)
        return root

    def _follow(self, chain: Sequence[Metadata[Root]]) -> Root:
        newest = self.newest()
        for one in chain[_entrance(newest, chain) :]:
            if one.signed.version == newest.version + 1 or newest.version == PINNED < one.signed.version:
                _verify(newest, Root.type, one)
                _verify(one.signed, Root.type, one)
                self._keep(one)
                newest = one.signed
        return newest

    def _keep(self, root: Metadata[Root]) -> None:
        try:
            durable.keep(self.path, json.dumps({"pinned": self._pinned, "root": root.to_dict()}).encode("ascii"))
        except durable.NotKept as error:
            raise RootsUnreadable(str(error)) from error


def keys_of(root: Root, role: str) -> tuple[str, ...]:
    """The public keys of a role, ed25519:BASE64 each, as `daka-enterprise keys show` prints them."""
    raw = (bytes.fromhex(root.keys[keyid].keyval["public"]) for keyid in root.roles[role].keyids)
    return tuple(messages.public_key_text(Ed25519PublicKey.from_public_bytes(one)) for one in raw)


def _entrance(newest: Root, chain: Sequence[Metadata[Root]]) -> int:
    """Where whoever has followed nothing enters: at the last root that the pinned key has signed, which may have come late."""
    if newest.version > PINNED:
        return 0
    return max((at for at, one in enumerate(chain) if _has_signed(newest, one)), default=0)


def _has_signed(root: Root, signed: Metadata[Root]) -> bool:
    return root.get_root_verification_result(None, signed.signed_bytes, signed.signatures).verified


def _verify(root: Root, role: str, signed: Metadata[Any]) -> None:
    try:
        root.verify_delegate(role, signed.signed_bytes, signed.signatures)
    except RepositoryError as error:
        raise RootRefused(say("root.not_signed", number=root.version)) from error


def brought_by(release: Metadata[Targets]) -> tuple[Metadata[Root], ...]:
    """The roots that lie beside a release's signature, as they are; nothing is believed yet."""
    said = release.unrecognized_fields.get(FIELD, [])
    if not isinstance(said, list) or len(said) > MOST_ROOTS:
        raise RootRefused(say("root.unreadable_chain"))
    return tuple(read(one) for one in said)


def read(said: Any) -> Metadata[Root]:
    """One root; RootRefused for anything else."""
    try:
        found = Metadata[Root].from_bytes(json.dumps(said).encode("utf-8"))
    except (RepositoryError, ValueError, TypeError) as error:
        raise RootRefused(say("root.unreadable")) from error
    if not isinstance(found.signed, Root):
        raise RootRefused(say("root.none"))
    return found
