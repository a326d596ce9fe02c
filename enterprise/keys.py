"""The enterprise's signing keys, one for each purpose: files of mode 0600, made once, never overwritten, never sent anywhere.

Kiosks believe the public halves: `acknowledgement` says that records are safe, `policy` what is wanted of kiosks, `grant` opens
contract locks, `update` releases software, and `root`, kept off every network, says which of the others count. Whoever has a
private half can make kiosks believe just that.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import messages
from enterprise import files
from enterprise.errors import EnterpriseError

ROLES = ("acknowledgement", "policy", "grant", "update", "root")
ACKNOWLEDGEMENT = ROLES[0]
KEY_BYTES = 32


class KeyFileError(EnterpriseError):
    """The key file cannot be used; the message says why and what to do."""


def place(folder: Path, role: str = ACKNOWLEDGEMENT) -> Path:
    """Where the key of `role` lies or will lie."""
    return folder / f"{role}.key"


def create(folder: Path, role: str = ACKNOWLEDGEMENT) -> Ed25519PrivateKey:
    """A new key in `folder`; FileExists if there is one."""
    files.create(place(folder, role), secrets.token_bytes(KEY_BYTES), secret=True)
    return read(folder, role)


def read(folder: Path, role: str = ACKNOWLEDGEMENT) -> Ed25519PrivateKey:
    """The key of `role` in `folder`."""
    path = place(folder, role)
    try:
        mode, seed = path.stat().st_mode, path.read_bytes()
    except FileNotFoundError as error:
        raise KeyFileError(f"{path} does not exist; make it once with: daka-enterprise keys init {role} --dir {folder}") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read ({error.strerror}); this user must own it") from error
    if mode & 0o077:
        raise KeyFileError(f"{path} can be read by others; run: chmod 600 {path}")
    if len(seed) != KEY_BYTES:
        raise KeyFileError(f"{path} holds {len(seed)} bytes instead of {KEY_BYTES}; restore it from the backup")
    return messages.private_key_from_seed(seed)
