"""The server's signing key for acknowledgements: a file of mode 0600, made once, never overwritten, never sent anywhere.

Kiosks pin its public half (`uplink.server_key`); whoever has the private one can make kiosks believe that records are safe.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import messages
from enterprise import files
from enterprise.errors import EnterpriseError

FILE_NAME = "acknowledgement.key"
KEY_BYTES = 32


class KeyFileError(EnterpriseError):
    """The key file cannot be used; the message says why and what to do."""


def create(folder: Path) -> Ed25519PrivateKey:
    """A new key in `folder`; FileExists if there is one."""
    files.create(folder / FILE_NAME, secrets.token_bytes(KEY_BYTES), secret=True)
    return read(folder)


def read(folder: Path) -> Ed25519PrivateKey:
    """The key in `folder`."""
    path = folder / FILE_NAME
    try:
        mode, seed = path.stat().st_mode, path.read_bytes()
    except FileNotFoundError as error:
        raise KeyFileError(f"{path} does not exist; make it once with: daka-enterprise keys init --dir {folder}") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read ({error.strerror}); the ingester's user must own it") from error
    if mode & 0o077:
        raise KeyFileError(f"{path} can be read by others; run: chmod 600 {path}")
    if len(seed) != KEY_BYTES:
        raise KeyFileError(f"{path} holds {len(seed)} bytes instead of {KEY_BYTES}; restore it from the backup")
    return messages.private_key_from_seed(seed)
