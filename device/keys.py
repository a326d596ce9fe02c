"""The kiosk daemon's secrets, files of mode 0600: the keys that sign the journal, open what is sealed to it, wrap persons' keys.

Made on the device, once, never overwritten, never sent anywhere, never logged.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import database, messages
from device.errors import DeviceError

log = logging.getLogger(__name__)

KEY_BYTES = 32
CREDENTIAL = "daka.wrapping-key"  # LoadCredentialEncrypted= in the unit


class KeyFileError(DeviceError):
    """A key file that cannot be used; the message says which and what to do."""


def journal_key(folder: Path, *, may_create: bool = True) -> Ed25519PrivateKey:
    """The key whose public half is this device's identity; made if there is none, unless a journal hangs on a lost one."""
    return messages.private_key_from_seed(_secret(folder / "journal.key", may_create))


def sealing_key(folder: Path) -> X25519PrivateKey:
    """Opens what the enterprise seals to this kiosk; made if there is none: a lost one costs a new desired state, no data."""
    return X25519PrivateKey.from_private_bytes(_secret(folder / "sealing.key", True))


def grant_use_key(folder: Path) -> Ed25519PrivateKey:
    """Says to contract locks that a person was verified; made if there is none: a lost one is enrolled anew, no data hang on it."""
    return messages.private_key_from_seed(_secret(folder / "grant-use.key", True))


def wrapping_key(folder: Path, *, may_create: bool = True, credentials: Path | None = None, must_be_sealed: bool = False) -> bytes:
    """AES-256 key under which the persons' keys are kept, 32 bytes: the system's credential where it hands one, else a file.

    The file is made like `journal_key`. `credentials` is $CREDENTIALS_DIRECTORY, which systemd fills from what a TPM or the machine
    has sealed; with a credential there, a file of the same key must not lie beside it. `must_be_sealed`: a file that lies here is
    used all the same, since a kiosk that does not start protects nothing that is on its card, and says so.
    """
    path = folder / "wrapping.key"
    if not has_credential(credentials):
        if must_be_sealed and not path.exists():
            raise KeyFileError("device.unlock is tpm, and the system hands the device key to nobody; run: sudo daka unlock tpm")
        if must_be_sealed:
            log.warning(
                "device.unlock is tpm, but the device key is a file on this card; run: sudo daka unlock tpm, or daka unlock file"
            )
        return _secret(path, may_create)
    assert credentials is not None
    try:
        secret = (credentials / CREDENTIAL).read_bytes()
    except OSError as error:
        raise KeyFileError(f"the credential {CREDENTIAL} cannot be read ({error.strerror}); see systemd-creds(1)") from error
    if len(secret) != KEY_BYTES:
        raise KeyFileError(f"the credential {CREDENTIAL} holds {len(secret)} bytes instead of {KEY_BYTES}; make it from the backup")
    if path.exists():
        raise KeyFileError(
            f"the device key is a system credential, and {path} lies there as well; check that both agree, then delete it"
        )
    return secret


def has_credential(credentials: Path | None) -> bool:
    """Whether the system holds the device key."""
    return credentials is not None and (credentials / CREDENTIAL).exists()


def _secret(path: Path, may_create: bool) -> bytes:
    try:
        if not path.exists():
            if not may_create:
                raise KeyFileError(
                    f"{path} is missing, but there are data that hang on it; restore it from the backup (a system credential "
                    "is handed to the daemon alone: start that)"
                )
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
