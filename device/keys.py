"""The kiosk daemon's secrets, files of mode 0600: the keys that sign the journal, open what is sealed to it, wrap persons' keys.

Made on the device, once, never overwritten, never sent anywhere, never logged.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import database, messages
from device.errors import DeviceError

KEY_BYTES = 32


class KeyFileError(DeviceError):
    """A key file that cannot be used; the message says which and what to do."""


def journal_key(folder: Path, *, may_create: bool = True) -> Ed25519PrivateKey:
    """The key whose public half is this device's identity; made if there is none, unless a journal hangs on a lost one."""
    return messages.private_key_from_seed(_secret(folder / "journal.key", may_create))


def sealing_key(folder: Path) -> X25519PrivateKey:
    """Opens what the enterprise seals to this kiosk; made if there is none: a lost one costs a new desired state, no data."""
    return X25519PrivateKey.from_private_bytes(_secret(folder / "sealing.key", True))


def wrapping_key(folder: Path, *, may_create: bool = True) -> bytes:
    """AES-256 key under which the persons' keys are kept, 32 bytes; made like `journal_key`."""
    return _secret(folder / "wrapping.key", may_create)


def _secret(path: Path, may_create: bool) -> bytes:
    try:
        if not path.exists():
            if not may_create:
                raise KeyFileError(f"{path} is missing, but there are data that hang on it; restore it from the backup")
            _create(path, secrets.token_bytes(KEY_BYTES))
    except OSError as error:
        raise KeyFileError(f"{path} cannot be made ({error.strerror}); the kiosk daemon's user must own its folder") from error
    try:
        mode, secret = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read ({error.strerror}); the kiosk daemon's user must own it") from error
    if mode & 0o077:
        raise KeyFileError(f"{path} can be read by others; run: chmod 600 {path}")
    if len(secret) != KEY_BYTES:
        raise KeyFileError(f"{path} holds {len(secret)} bytes instead of {KEY_BYTES}; restore it from the backup")
    return secret


def _create(path: Path, secret: bytes) -> None:
    """Written beside, synced, then linked into place: a power cut leaves a whole key or none, and never replaces one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{secrets.token_hex(4)}.new")  # not the process id: after a power cut the same one may come again
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secret)
        os.fsync(descriptor)
        os.link(draft, path)
    finally:
        os.close(descriptor)
        os.unlink(draft)
    database.sync_folder(path.parent)
