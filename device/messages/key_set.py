"""Which keys speak for the enterprise: a set signed by its root, which a kiosk pins when it joins and follows from then on.

Each purpose has keys of its own, several while one is being changed for another. A set with a higher version replaces one with a
lower; nothing that is not signed by the root is ever one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.messages import jcs, schema, signing
from device.messages.errors import SchemaRefused, SignatureRefused
from device.messages.records import CODEC
from device.messages.signing import Purpose

FOR_ALL = "*"  # in place of a device: a key set is the same for every kiosk


@dataclass(frozen=True, slots=True)
class KeySet:
    """Public keys, ed25519:BASE64, by what they may sign; `root` is the key that signed the set."""

    root: str
    version: int
    issued_at: str
    acknowledgement: tuple[str, ...]
    policy: tuple[str, ...]
    grant: tuple[str, ...]
    update: tuple[str, ...]

    def keys(self, role: str) -> tuple[Ed25519PublicKey, ...]:
        """The keys of `role`: acknowledgement, policy, grant or update."""
        return tuple(signing.public_key_from_text(text) for text in getattr(self, role))


def sign_key_set(keys: KeySet, root: Ed25519PrivateKey) -> dict[str, Any]:
    """The set as it travels."""
    plain: dict[str, Any] = CODEC.unstructure(keys)
    return plain | {"sig": signing.sign(root, Purpose.KEY_SET, FOR_ALL, str(keys.version), jcs.digest(jcs.canonical(plain)))}


def read_key_set(data: Any, root: str) -> KeySet:
    """The set in `data` if it is signed by `root`, ed25519:BASE64; SchemaRefused or SignatureRefused otherwise."""
    schema.check("key-set", data, SchemaRefused)
    rest = {name: value for name, value in data.items() if name != "sig"}
    if data["root"] != root:
        raise SignatureRefused("the key set is another enterprise's: its root is not the one that this kiosk has joined")
    key = signing.public_key_from_text(root)
    signing.verify(key, Purpose.KEY_SET, FOR_ALL, str(data["version"]), jcs.digest(jcs.canonical(rest)), data["sig"])
    return CODEC.structure(data, KeySet)
