"""Shares that unlock kiosks: made at its first request, kept here, handed out to a kiosk that is trusted and proves both keys.

Each time is an alarm: a kiosk that nobody has restarted, or that was stolen, asks like any other. `distrust` ends it at once.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from device import messages
from device.messages import unlock
from enterprise import joining, tables
from enterprise.joining import JoinError
from enterprise.store import Transaction


@dataclass(frozen=True, slots=True)
class Proven:
    """What the uplink brings: the kiosk's certificate, the kiosk daemon's request, and the certificate's signature over that."""

    certificate: str
    request: bytes
    signature: bytes


def hand_out(transaction: Transaction, folder: Path, server: Ed25519PrivateKey, brought: Proven, now: datetime) -> bytes:
    """The share of the kiosk that asks, sealed to this request and signed by `server`; JoinError says why not."""
    proof = unlock.proof_bytes(brought.request)
    name, known = joining.trusted(transaction.connection, folder, brought.certificate, proof, brought.signature, now)
    try:
        asked, plain = unlock.read_request(brought.request)
        unlock.verify_request(plain, messages.public_key_from_text(known))
        if asked.device != name:
            raise JoinError("the request is another kiosk's than the certificate")
        answer = unlock.write_answer(_share(transaction, name, now), asked, server)
    except messages.MessageError as error:
        raise JoinError(f"the request does not prove this kiosk's key: {error}") from error
    transaction.alarm(name, "", "share_handed_out", 0, "its templates were unlocked; was it restarted by one of us?", now)
    return answer


def _share(transaction: Transaction, device: str, now: datetime) -> bytes:
    """The kiosk's share; made at its first request. Of two that come at once the first one's stays, and both get it."""
    fresh = base64.b64encode(secrets.token_bytes(unlock.SHARE_BYTES)).decode("ascii")
    transaction.put_first(tables.unlock_share, {"device": device, "share": fresh, "made_at": messages.write_time(now)})
    column = tables.unlock_share.c
    kept = transaction.connection.execute(select(column.share).where(column.device == device)).scalar_one()
    return base64.b64decode(kept)
