"""The journal at a path: begun if there is none, and put aside if it is damaged."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import clock, database
from device.journal.values import ChainBroken, SignedForAnother
from device.journal.writing import Journal

log = logging.getLogger(__name__)


def open_journal(
    path: Path,
    device: str,
    key: Ed25519PrivateKey,
    software: str,
    moment: clock.Moment,
    *,
    replace_damaged: bool = True,
    begun: str = "first_start",
) -> Journal:
    """The journal at `path`, begun if there is none; `begun` is why, then.

    One that fails its check is kept under another name and a new epoch begins; without `replace_damaged` the failure is raised.
    """
    reason = begun
    try:
        journal = _checked(path, device, key, software)
    except (database.StorageDamaged, ChainBroken) as error:
        if not replace_damaged:
            raise
        kept = put_aside(path, moment, "damaged")
        log.error("journal failed its check (%s); kept as %s, a new epoch begins", error, kept.name)
        reason = "forked_journal" if isinstance(error, SignedForAnother) else "damaged_journal"
        journal = Journal(path, device, key, software)
    journal.begin(reason, moment)
    return journal


def _checked(path: Path, device: str, key: Ed25519PrivateKey, software: str) -> Journal:
    """The journal at `path` if it passes its check; otherwise its file is let go before the error is raised."""
    journal = Journal(path, device, key, software)
    try:
        journal.check_at_start()
    except BaseException:
        journal.close()
        raise
    return journal


def put_aside(path: Path, moment: clock.Moment, word: str) -> Path:
    """The closed journal under another name, which says why; where there is none, none is there after it either."""
    kept = path.with_name(f"{path.name}.{word}-{moment.at:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    database.sync_folder(path.parent)
    return kept
