"""The signed key set that kiosks follow, a file beside the keys. The root's key, which signs it, lies off the network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import messages
from enterprise import files
from enterprise.errors import EnterpriseError

FILE_NAME = "key-set.json"
ROLES = ("acknowledgement", "policy", "grant", "update")


class KeySetError(EnterpriseError):
    """The key set cannot be made or read; the message says what to do."""


def read(folder: Path) -> dict[str, Any] | None:
    """The set in `folder` as it travels, or None where there is none."""
    path = folder / FILE_NAME
    try:
        found = messages.parse(path.read_bytes())
        messages.read_key_set(found, found["root"])
    except FileNotFoundError:
        return None
    except (OSError, messages.MessageError, KeyError, TypeError) as error:
        raise KeySetError(f"{path} is not a key set ({type(error).__name__}); sign one with: daka-enterprise keys sign") from error
    assert isinstance(found, dict)
    return found


def sign(folder: Path, root: Ed25519PrivateKey, keys: Mapping[str, Sequence[str]], now: datetime) -> messages.KeySet:
    """The next set in `folder`, in place of the one before it."""
    before = read(folder)
    root_text = messages.public_key_text(root)
    if before is not None and before["root"] != root_text:
        raise KeySetError("the set before it was signed by another root; kiosks that joined that one would not follow")
    version = (before["version"] if before else 0) + 1
    made = messages.KeySet(
        root_text, version, messages.write_time(now), *(tuple(dict.fromkeys(keys.get(role, ()))) for role in ROLES)
    )
    files.replace(folder / FILE_NAME, json.dumps(messages.sign_key_set(made, root), indent=2).encode("utf-8") + b"\n")
    return made
