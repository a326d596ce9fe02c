"""The chain of TUF roots that says which key signs releases, a file beside the keys. The root's key lies off every network.

What kiosks were given, the update key or the root's, counts as root 1; the first that is signed here is number 2. Each is signed by
its own root key and by one that the root before it names, so that a kiosk that missed some follows from any of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets

from enterprise import files, keys
from enterprise.errors import EnterpriseError

FILE_NAME = "update-roots.json"
FIRST = 2


class UpdateRootError(EnterpriseError):
    """The chain cannot be read or gone on with; the message says what to do."""


def read(folder: Path) -> tuple[Metadata[Root], ...]:
    """All of them, the oldest first; none where no root was ever signed."""
    path = folder / FILE_NAME
    try:
        return tuple(Metadata[Root].from_bytes(json.dumps(one).encode("ascii")) for one in json.loads(path.read_text("ascii")))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, RepositoryError) as error:
        raise UpdateRootError(f"{path} cannot be read ({type(error).__name__}); restore it from the backup") from error


def sign(
    folder: Path,
    root: Ed25519PrivateKey,
    update: Ed25519PublicKey,
    before: Sequence[Ed25519PrivateKey],
    now: datetime,
    days: int,
    *,
    anew: bool = False,
) -> int:
    """Its number. From it on `update` signs releases and `root` the next root; `before` are keys that kiosks believe until then.

    `anew`: the root before has not signed it, for want of its key. Only kiosks that are given one of its keys by hand follow.
    """
    known = read(folder)
    chain = () if anew else known
    ends = (now + timedelta(days=days)).replace(microsecond=0)
    made = Root(version=known[-1].signed.version + 1 if known else FIRST, expires=ends)
    made.add_key(SSlibKey.from_crypto(root.public_key()), Root.type)
    made.add_key(SSlibKey.from_crypto(update), Targets.type)
    signed = Metadata(made)
    for key in (root, *before):
        signed.sign(CryptoSigner(key), append=True)
    try:
        if chain:
            chain[-1].signed.verify_delegate(Root.type, signed.signed_bytes, signed.signatures)
    except RepositoryError as error:
        raise UpdateRootError(
            "kiosks follow only what the root before has signed: name the folder of its key with --before; if it is lost, --anew"
        ) from error
    text = json.dumps([one.to_dict() for one in (*chain, signed)], indent=1)
    files.replace(folder / FILE_NAME, text.encode("ascii") + b"\n")
    return made.version


def keys_in(folder: Path) -> tuple[Ed25519PrivateKey, ...]:
    """Those in `folder` that kiosks may have been given, or that a root may name."""
    return tuple(keys.read(folder, role) for role in ("root", "update") if keys.place(folder, role).exists())


def may_sign(chain: Sequence[Metadata[Root]], key: Ed25519PublicKey) -> bool:
    """Whether releases signed by `key` are believed by whoever has followed the chain."""
    return not chain or SSlibKey.from_crypto(key).keyid in chain[-1].signed.roles[Targets.type].keyids
