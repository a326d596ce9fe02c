"""The device key as systemd keeps it for the kiosk daemon: by what it is sealed, and sealing it anew. Root's alone."""

from __future__ import annotations

import base64
import binascii
import enum
import subprocess
from pathlib import Path

from device import durable, keys
from device.errors import DeviceError

STORE = Path(f"/etc/credstore.encrypted/{keys.CREDENTIAL}")


class CredentialError(DeviceError):
    """The credential cannot be sealed as asked; nothing has changed. The message says why."""


class Kind(enum.StrEnum):
    """What a credential of systemd is sealed by."""

    HOST = "sealed by a secret on this card"
    TPM = "sealed by the TPM"
    BOTH = "sealed by the TPM and more"
    NONE = "no credential of the system"
    UNKNOWN = "not to be seen by this user"


TO_THE_BOARD = (Kind.TPM, Kind.BOTH)
# systemd takes PCR 7 else, which changes with each list of revoked certificates that a firmware update brings, and keeps nobody out
# who has the board. Nobody measures into PCR 23; bound to none at all, systemd 252 makes what it does not open (docs/adr/0115).
MEASURED_BY_NOBODY = "--tpm2-pcrs=23"
# The first 16 bytes of a sealed credential say how; these two are what systemd 252 writes, others involve a TPM and something else.
BEGINNINGS = {"5a1c6a86df9d4096b1d5a65e0862f19a": Kind.HOST, "0c7cc07b117645919c4b0bea08bc20fe": Kind.TPM}


def kind_of(path: Path) -> Kind:
    """How the credential in `path` is sealed."""
    try:
        begins = base64.b64decode(path.read_text("ascii")[:64].replace("\n", ""))[:16].hex()
    except FileNotFoundError:
        return Kind.NONE
    except (OSError, ValueError, binascii.Error):
        return Kind.UNKNOWN
    return BEGINNINGS.get(begins, Kind.BOTH)


def opened(path: Path, tpm: str = "") -> bytes:
    """The key in it. `tpm`: which TPM."""
    return _run(("systemd-creds", "decrypt", *_which(tpm), str(path), "-"))


def sealed(secret: bytes, by: str, tpm: str = "") -> bytes:
    """A credential of this key by `host`, `tpm2`, or whatever this machine has (`auto`); it was opened again to be sure."""
    how = (f"--with-key={by}", MEASURED_BY_NOBODY, *_which(tpm))
    fresh = _run(("systemd-creds", "encrypt", "--quiet", *how, "-", "-"), secret)
    if _run(("systemd-creds", "decrypt", *_which(tpm), "-", "-"), fresh) != secret:
        raise CredentialError("what was sealed does not open again; the old credential stays")
    return fresh


def seal_again(path: Path, by: str, tpm: str = "") -> None:
    """The same key, sealed by `host` or `tpm2`; the old credential stays until the new one was opened again."""
    durable.keep(path, sealed(opened(path, tpm), by, tpm))


def _which(tpm: str) -> tuple[str, ...]:
    return *((f"--tpm2-device={tpm}",) if tpm else ()), f"--name={keys.CREDENTIAL}"


def _run(command: tuple[str, ...], given: bytes | None = None) -> bytes:
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CredentialError(f"{command[0]} cannot be run ({error})") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CredentialError(f"systemd-creds {command[1]}: {said[-1] if said else done.returncode}")
    return done.stdout
