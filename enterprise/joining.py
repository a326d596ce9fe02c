"""Kiosks join: a one-time invitation, a request whose keys are all proven, a code that a person confirms, a sealed answer.

Confirming is the one moment at which a kiosk is trusted: its journal key, its sealing key and its certificate come to be together.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from sqlalchemy import Connection, select

from device import messages
from device.messages import joining, schema
from enterprise import authority, certificates, downlink, names, replacing, tables
from enterprise.errors import EnterpriseError
from enterprise.store import Transaction

TOKEN_BYTES = 24
REQUEST_LASTS = timedelta(hours=24)


class JoinError(EnterpriseError):
    """A kiosk does not join as asked; the message says why and what to do."""


class NotConfirmed(JoinError):
    """Nobody has confirmed the code yet."""


@dataclass(frozen=True, slots=True)
class Enterprise:
    """What every kiosk is told: the broker, the join service (`url` empty: the invitation's), the key set, and what signs it."""

    authority: Path
    policy: Ed25519PrivateKey
    key_set: Mapping[str, Any]
    host: str
    port: int
    url: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A kiosk that asked, and the code that it shows."""

    id: str
    device: str
    code: str
    asked_at: str


def is_service(url: str) -> bool:
    """Whether a kiosk takes this for the join service's address."""
    pattern = schema.read("join-invitation")["properties"]["url"]["pattern"]
    return bool(url) and re.search(pattern, url) is not None


def ca_pem(folder: Path) -> str:
    """The authority's certificate as it travels."""
    path = authority.place(folder, authority.ROOT).certificate
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise JoinError(f"{path} cannot be read; make an authority with: daka-enterprise authority init --dir {folder}") from error


def invite(
    transaction: Transaction, folder: Path, root: str, url: str, device: str, now: datetime, lasts: timedelta
) -> messages.Invitation:
    """A new invitation; its token is kept as a digest only."""
    if device and not names.is_device(device):
        raise JoinError(f"{names.shown(device)} cannot be a kiosk's name: a-z, 0-9 and hyphens, at most 64, and none of ours")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {"token": _digest(token), "device": device, "ends_at": messages.write_time(now + lasts), "used_at": ""}
    transaction.put(tables.invitation, row)
    if url:
        transaction.put(tables.invitation_url, {"token": row["token"], "url": url})
    digest = hashlib.sha256(ca_pem(folder).encode("ascii")).hexdigest()
    return messages.Invitation(url, root, digest, token, device)


def ask(transaction: Transaction, payload: bytes, root: str, now: datetime, *, by_hand: bool = False) -> Waiting:
    """Take a request; JoinError unless its keys are proven and its token is good. The same request again is the same one."""
    try:
        request = messages.read_join_request(payload)
    except messages.MessageError as error:
        raise JoinError(f"the request is refused: {error}") from error
    if request.root != root:
        raise JoinError("the request is for another enterprise: its root is not ours")
    if not names.is_device(request.device):
        raise JoinError("the request is in a name that no kiosk may have")
    number = hashlib.sha256(b"daka/v1/join-id\0" + payload).hexdigest()
    known = transaction.connection.execute(select(tables.join_request).where(tables.join_request.c.id == number)).first()
    if known is None:
        if not by_hand:
            _use_token(transaction, request, now)
        code, asked_at = messages.join_code(payload), messages.write_time(now)
        row = {"id": number, "device": request.device, "code": code, "request": payload.decode("utf-8"), "asked_at": asked_at}
        transaction.put(tables.join_request, row | {"answer": "", "decided_by": "", "decided_at": ""})
        return Waiting(number, request.device, code, asked_at)
    return Waiting(number, known.device, known.code, known.asked_at)


def _use_token(transaction: Transaction, request: messages.JoinRequest, now: datetime) -> None:
    column = tables.invitation.c
    query = select(tables.invitation).where(column.token == _digest(request.token)).with_for_update()
    row = transaction.connection.execute(query).first()
    time = messages.write_time(now)
    if row is None or row.used_at or row.ends_at < time or row.device not in ("", request.device):
        raise JoinError("the invitation is unknown, used, over, or for another kiosk; have a new one made")
    transaction.connection.execute(tables.invitation.update().where(column.token == row.token).values(used_at=time))


def waiting(connection: Connection, now: datetime) -> list[Waiting]:
    """Requests that nobody has decided, newest first; those of more than a day ago are over."""
    column = tables.join_request.c
    since = messages.write_time(now - REQUEST_LASTS)
    query = select(tables.join_request).where(column.decided_at == "", column.asked_at >= since).order_by(column.asked_at.desc())
    return [Waiting(row.id, row.device, row.code, row.asked_at) for row in connection.execute(query)]


def confirm(
    transaction: Transaction, code: str, ours: Enterprise, by: str, now: datetime, *, replace: bool = False, by_hand: bool = False
) -> bytes:
    """A person has compared the code: trust the kiosk, certify it, make its sealed answer, and sign what is wanted of every kiosk.

    JoinError without an address of the join service, `ours` or the invitation's, unless the request came by hand: it would never
    renew its certificate.
    """
    transaction.alone()
    found = [one for one in waiting(transaction.connection, now) if one.code == code.strip().upper()]
    if not found:
        raise JoinError("no kiosk that waits shows that code; compare it letter by letter: daka-enterprise join list")
    connection, column = transaction.connection, tables.join_request.c
    payload = connection.execute(select(column.request).where(column.id == found[0].id)).scalar_one().encode("utf-8")
    request = messages.read_join_request(payload)
    url = ours.url or _invited_to(connection, request.token)
    if not url and not by_hand:
        raise JoinError("say where kiosks reach the join service, --url https://HOST:PORT: it renews its certificate there")
    _trust(transaction, request, by, now, replace=replace)
    certificate = certificates.issue(transaction, ours.authority, request.device, request.csr, now)
    ca, reached = ca_pem(ours.authority), (ours.host, ours.port, url)
    said = messages.JoinAnswer(request.device, joining.request_hash(payload), certificate, ca, *reached, dict(ours.key_set))
    sealed = messages.write_join_answer(said, ours.policy, request.sealing_key)
    decided = {"answer": sealed.decode("ascii"), "decided_by": by, "decided_at": messages.write_time(now)}
    connection.execute(tables.join_request.update().where(column.id == found[0].id).values(decided))
    if downlink.is_wanted(connection, request.device):
        downlink.sign(transaction, request.device, ours.policy, ours.key_set, now)
    return sealed


def _invited_to(connection: Connection, token: str) -> str:
    """The address that its invitation named; "" where it named none, or the request has no invitation."""
    column = tables.invitation_url.c
    return connection.scalar(select(column.url).where(column.token == _digest(token))) or ""


def _trust(transaction: Transaction, request: messages.JoinRequest, by: str, now: datetime, *, replace: bool) -> None:
    before = transaction.trust(request.device, request.journal_key, now)
    if before is not None and not replace:
        raise JoinError(f"{request.device} is trusted with another key already; was it reset? If so, confirm with --replace")
    if before is not None:
        replacing.replaced(transaction, request.device, before, request.journal_key, by, now)
    side = {"device": request.device, "sealing_key": request.sealing_key, "generation": 0, "version": 0}
    transaction.put(tables.kiosk_side, side | {"said_at": messages.write_time(now)})
    transaction.put(tables.grant_use_key, {"device": request.device, "key": request.grant_use_key})


def answer(transaction: Transaction, number: str) -> bytes:
    """The sealed answer to a request; NotConfirmed while there is none, JoinError for a request that is not known."""
    column = tables.join_request.c
    found = transaction.connection.execute(select(column.answer).where(column.id == number)).scalar()
    if found is None:
        raise JoinError("no such request")
    if not found:
        raise NotConfirmed("nobody has confirmed the code yet")
    return str(found).encode("ascii")


def proven(folder: Path, certificate: str, message: bytes, signature: bytes, now: datetime) -> str:
    """The name in a certificate of our authority that is good now and whose key has signed `message`; JoinError otherwise."""
    root = x509.load_pem_x509_certificate(ca_pem(folder).encode("ascii"))
    try:
        found = x509.load_pem_x509_certificate(certificate.encode("ascii"))
        found.verify_directly_issued_by(root)
        key = found.public_key()
        (name,) = (str(one.value) for one in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError("another kind of key")
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except (ValueError, TypeError, InvalidSignature) as error:
        raise JoinError("the request does not prove a certificate of this authority") from error
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        raise JoinError("the certificate has ended; the kiosk has to join again")
    return name


def trusted(
    connection: Connection, folder: Path, certificate: str, message: bytes, signature: bytes, now: datetime
) -> tuple[str, str]:
    """Name and journal key of the trusted kiosk that has signed `message` with its certificate's key; JoinError otherwise.

    A certificate of the kiosk that had the name before proves nothing any more: it may be the stolen one.
    """
    name = proven(folder, certificate, message, signature, now)
    key = connection.scalar(select(tables.device.c.key).where(tables.device.c.name == name))
    if key is None:
        raise JoinError("this kiosk is not trusted any more")
    if not certificates.counts(connection, x509.load_pem_x509_certificate(certificate.encode("ascii")), name):
        raise JoinError("this certificate is from before the kiosk of this name was distrusted or replaced; join again")
    return name, key


def named(certificate: str) -> str:
    """The name that a certificate claims, before anything is proven; "" where there is none."""
    try:
        found = x509.load_pem_x509_certificate(certificate.encode("ascii"))
        return str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    except (ValueError, IndexError):
        return ""


def renew(transaction: Transaction, folder: Path, before: str, csr: str, signature: bytes, now: datetime) -> str:
    """A new certificate for a kiosk that is trusted still and proves the key of the one that it has; JoinError otherwise."""
    name, _ = trusted(transaction.connection, folder, before, joining.renewal_bytes(named(before), csr), signature, now)
    return certificates.issue(transaction, folder, name, csr, now)


def _digest(token: str) -> str:
    return hashlib.sha256(b"daka/v1/token\0" + token.encode("utf-8")).hexdigest()
