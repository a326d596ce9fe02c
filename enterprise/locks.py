"""Contract locks at the enterprise: who may stamp what, the server's word to a lock, and its log held together across kiosks.

The grant key signs on the administrators' side. The ingester has the acknowledgement key alone: it can tell a lock the time and
void what is revoked, and can approve nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, select

from device import messages
from device.messages import lock as papers
from device.messages.lock import EventKind
from enterprise import downlink, lock_stamps, tables
from enterprise.errors import EnterpriseError
from enterprise.store import Store, Transaction

SECTION = "grants"


class LocksError(EnterpriseError):
    """What was asked about a contract lock cannot be done; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks to have approved; times are seconds since 1970."""

    lock: str
    device: str
    person: str
    document: bytes
    stamps: int
    factors: int
    label: str
    not_before: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Published:
    """Kiosks whose papers were signed, and those that have to be trusted or heard first."""

    ready: tuple[str, ...]
    waiting: tuple[str, ...]


def add(transaction: Transaction, lock: str, key: str, by: str, at: datetime) -> None:
    """A lock from now on known here, one that was removed as far as it was; LocksError for another key or a name too like one."""
    found = transaction.connection.execute(select(tables.lock).where(func.lower(tables.lock.c.lock) == lock.lower())).first()
    if found is not None and found.lock != lock:
        raise LocksError(f"{found.lock} is known already; a name that differs by upper and lower case alone is no other")
    if found is not None:
        raise LocksError(f"{lock} is known already, with {'the same' if found.key == key else 'another'} key")
    gone = tables.removed_lock
    before = transaction.connection.execute(select(gone).where(gone.c.lock == lock)).first()
    if before is not None and before.key != key:
        raise LocksError(f"{lock} was here with another key, and its log still is; give this one another name")
    row = {"epoch": 0, "seen": 0, "seen_hash": papers.GENESIS.hex()}
    if before is not None:
        row = {"epoch": before.epoch + 1, "seen": before.seen, "seen_hash": before.seen_hash}
        transaction.connection.execute(gone.delete().where(gone.c.lock == lock))
    values = {"lock": lock, "key": key, "clear_tamper": 0, "added_by": by, "added_at": messages.write_time(at)}
    transaction.put(tables.lock, row | values)


def enrol(transaction: Transaction, lock: str, device: str, key: str, expires_at: int) -> None:
    """This kiosk, by its grant-use key (empty: the one that it proved when it joined), may use this lock.

    In place of another key, what was signed for that one is void: who has it may have stolen it.
    """
    known(transaction.connection, lock)
    if not key:
        column = tables.grant_use_key.c
        key = transaction.connection.scalar(select(column.key).where(column.device == device)) or ""
    if not key:
        raise LocksError(f"{device} has not joined here, so name its key: daka-enterprise lock enrol {lock} {device} KEY")
    messages.public_key_from_text(key)
    column = tables.lock_kiosk.c
    before = transaction.connection.scalar(select(column.key).where(column.lock == lock, column.device == device))
    if before not in (None, key):
        _raise_floor(transaction, lock)
    transaction.put(tables.lock_kiosk, {"lock": lock, "device": device, "key": key, "expires_at": expires_at})


def approve(transaction: Transaction, wanted: Wanted, item: bytes, by: str, at: datetime) -> None:
    """Approve it; LocksError if the kiosk is not enrolled with the lock, if nobody could use it, or if it could not be signed.

    What stands here and cannot be signed would stop each later approval, and each revocation, at that lock.
    """
    kiosk = _kiosk(transaction.connection, wanted.lock, wanted.device)
    if wanted.factors == papers.Factor.AT_LOCK:
        raise LocksError("the kiosk has to verify somebody, too: --factor face or --factor pin, with --factor at-lock beside it")
    row = {
        "id": item.hex(),
        "lock": wanted.lock,
        "device": wanted.device,
        "person": wanted.person,
        "document": wanted.document.hex(),
        "stamps": wanted.stamps,
        "factors": wanted.factors,
        "label": wanted.label,
        "not_before": wanted.not_before,
        "expires_at": wanted.expires_at,
        "issued_at": int(at.timestamp()),
        "revoked": 0,
        "asked_by": by,
    }
    try:
        _grant(row, kiosk.key, known(transaction.connection, wanted.lock).epoch).check()
    except papers.ClaimsRefused as error:
        raise LocksError(f"this cannot be approved: {error}") from error
    transaction.put(tables.lock_grant, row)


def revoke(transaction: Transaction, item: str, at: datetime) -> Any:
    """No stamp under this grant any more: the lock's floor is raised above it. The grant's row; LocksError if there is none.

    The first time counts: a stamp between that and a second one is still one after the revocation.
    """
    found = transaction.connection.execute(select(tables.lock_grant).where(tables.lock_grant.c.id == item)).first()
    if found is None:
        raise LocksError("there is no such approval; see: daka-enterprise grant list")
    if not found.revoked:
        column = tables.lock_grant.c
        transaction.connection.execute(tables.lock_grant.update().where(column.id == item).values(revoked=int(at.timestamp())))
        _raise_floor(transaction, found.lock)
    downlink.drop(transaction, found.device, SECTION, [_grant_item(item)])
    return found


def withdraw(transaction: Transaction, lock: str, device: str, at: datetime) -> None:
    """This kiosk may use the lock no more: the floor is raised above all that it was given. LocksError if it might not anyway."""
    known(transaction.connection, lock)
    _kiosk(transaction.connection, lock, device)
    kiosk, grant = tables.lock_kiosk.c, tables.lock_grant.c
    transaction.connection.execute(tables.lock_kiosk.delete().where(kiosk.lock == lock, kiosk.device == device))
    theirs = (grant.lock == lock) & (grant.device == device) & (grant.revoked == 0)
    items = transaction.connection.execute(select(grant.id).where(theirs)).scalars().all()
    transaction.connection.execute(tables.lock_grant.update().where(theirs).values(revoked=int(at.timestamp())))
    downlink.drop(transaction, device, SECTION, [_enrolment_item(lock), *map(_grant_item, items)])
    _raise_floor(transaction, lock)


def withdraw_all(transaction: Transaction, device: str, at: datetime) -> tuple[str, ...]:
    """A kiosk that is believed no more may use no lock, and what it owes does not come; those that it might.

    The key that it proved when it joined is forgotten: whoever has its name next would be enrolled by it.
    """
    column = tables.lock_kiosk.c
    found = tuple(
        transaction.connection.execute(select(column.lock).where(column.device == device).order_by(column.lock)).scalars()
    )
    for lock in found:
        withdraw(transaction, lock, device, at)
    transaction.connection.execute(tables.grant_use_key.delete().where(tables.grant_use_key.c.device == device))
    lock_stamps.give_up(transaction, device, at)
    return found


def remove(transaction: Transaction, lock: str, by: str, at: datetime) -> tuple[str, ...]:
    """The lock is known no more, and nobody may use it; what it did stays. The kiosks that could use it."""
    known(transaction.connection, lock)
    devices = enrolled(transaction.connection, lock)
    for device in devices:
        withdraw(transaction, lock, device, at)
    row = known(transaction.connection, lock)
    kept = {name: getattr(row, name) for name in ("lock", "key", "epoch", "seen", "seen_hash")}
    transaction.put(tables.removed_lock, kept | {"removed_by": by, "removed_at": messages.write_time(at)})
    for table in (tables.lock, tables.lock_clearance):
        transaction.connection.execute(table.delete().where(table.c.lock == lock))
    return devices


def publish(transaction: Transaction, lock: str, key: Ed25519PrivateKey, by: str, at: datetime) -> Published:
    """Sign this lock's enrolments and its grants that still stand, and want them of the kiosks that are trusted and were heard."""
    row, enrolments = known(transaction.connection, lock), tables.lock_kiosk
    reached = _reached(transaction.connection)
    kiosks = transaction.connection.execute(select(enrolments).where(enrolments.c.lock == lock)).all()
    for kiosk in (one for one in kiosks if one.device in reached):
        _wish(transaction, kiosk.device, _enrolment_item(lock), _enrolment(row, kiosk).signed(key), by, at)
        for grant in _standing(transaction.connection, lock, kiosk.device, at):
            paper = _grant(grant._mapping, kiosk.key, row.epoch).signed(key)
            _wish(transaction, kiosk.device, _grant_item(grant.id), paper, by, at)
    names = sorted(kiosk.device for kiosk in kiosks)
    return Published(tuple(filter(reached.__contains__, names)), tuple(name for name in names if name not in reached))


def clear(transaction: Transaction, lock: str, by: str, at: datetime) -> int:
    """Take back the tampering and falls that are known here, with the lock's next word; up to which event.

    Who has done it stands with the lock's alarms. LocksError where there is nothing: that would be leave for what is to come.
    """
    row = known(transaction.connection, lock)
    upto = _newest(transaction.connection, lock, EventKind.TAMPER, EventKind.DROP)
    if upto <= _newest(transaction.connection, lock, EventKind.TAMPER_CLEARED):
        raise LocksError(f"nothing of {lock} is here to be taken back; a kiosk must read its log first: daka lock do {lock} log")
    transaction.alarm(lock, "", "lock_cleared", row.seen, f"{lock}: taken back up to event {upto} by {by}", at)
    transaction.put(tables.lock_clearance, {"lock": lock, "upto": upto})
    return upto


def known(connection: Connection, lock: str) -> Any:
    """The lock's row; LocksError if it is not known."""
    found = connection.execute(select(tables.lock).where(tables.lock.c.lock == lock)).first()
    if found is None:
        raise LocksError(f"{lock} is not known; add it with the key that it shows: daka-enterprise lock add {lock} KEY")
    return found


def enrolled(connection: Connection, lock: str) -> tuple[str, ...]:
    """The kiosks that may use the lock."""
    column = tables.lock_kiosk.c
    return tuple(connection.execute(select(column.device).where(column.lock == lock).order_by(column.device)).scalars())


def answer(store: Store, key: Ed25519PrivateKey, device: str, payload: bytes, at: datetime) -> bytes | None:
    """The server's word for a lock in session with an enrolled kiosk, as it goes to the broker; None where there is none."""
    try:
        question = messages.read_message(messages.open_envelope(payload, "lock-question", device), messages.LockQuestion)
        challenge = base64.b64decode(question.challenge, validate=True)
        with store.reading() as connection:
            row = known(connection, question.lock)
            _kiosk(connection, question.lock, device)
            column = tables.lock_clearance.c
            upto = connection.scalar(select(column.upto).where(column.lock == question.lock)) or 0
    except (messages.MessageError, LocksError, ValueError):
        return None
    said = papers.Statement(question.lock, challenge, int(at.timestamp()), row.epoch, row.seen, upto > 0, upto)
    text = base64.b64encode(said.signed(key).data).decode("ascii")
    data = messages.CODEC.unstructure(messages.LockAnswer(question.lock, question.challenge, text))
    event = f"lock-answer/{question.challenge[:16]}"
    return messages.seal_envelope("lock-answer", device, event, messages.write_time(at), data)


def _newest(connection: Connection, lock: str, *kinds: EventKind) -> int:
    """The number of the lock's newest event of these kinds; 0 for none."""
    column, names = tables.lock_event.c, [kind.name.lower() for kind in kinds]
    return connection.scalar(select(func.max(column.number)).where(column.lock == lock, column.event.in_(names))) or 0


def _kiosk(connection: Connection, lock: str, device: str) -> Any:
    column = tables.lock_kiosk.c
    found = connection.execute(select(tables.lock_kiosk).where(column.lock == lock, column.device == device)).first()
    if found is None:
        raise LocksError(f"{device} may not use {lock}; enrol it: daka-enterprise lock enrol {lock} {device} KEY")
    return found


def _reached(connection: Connection) -> frozenset[str]:
    """Kiosks to which something can be sealed: trusted, and heard."""
    device, side = tables.device.c.name, tables.kiosk_side.c
    return frozenset(connection.execute(select(device).join(tables.kiosk_side, side.device == device)).scalars())


def _raise_floor(transaction: Transaction, lock: str) -> None:
    """Nothing that was signed for this lock until now counts once it has heard of it; what still stands is to be signed anew."""
    column = tables.lock.c
    transaction.connection.execute(tables.lock.update().where(column.lock == lock).values(epoch=column.epoch + 1))


def _standing(connection: Connection, lock: str, device: str, at: datetime) -> Any:
    column = tables.lock_grant.c
    standing = (column.lock == lock) & (column.device == device) & (column.revoked == 0)
    return connection.execute(select(tables.lock_grant).where(standing & (column.expires_at > int(at.timestamp())))).all()


def _enrolment(lock: Any, kiosk: Any) -> papers.Enrolment:
    return papers.Enrolment(
        lock=lock.lock,
        lock_key=messages.public_key_from_text(lock.key).public_bytes_raw(),
        kiosk_key=messages.public_key_from_text(kiosk.key).public_bytes_raw(),
        epoch=lock.epoch,
        expires_at=kiosk.expires_at,
        log_number=lock.seen,
        log_hash=bytes.fromhex(lock.seen_hash),
    )


def _grant(row: Mapping[str, Any], kiosk_key: str, epoch: int) -> papers.Grant:
    as_they_are = ("person", "lock", "expires_at", "not_before", "issued_at", "stamps", "factors", "label")
    return papers.Grant(
        **{name: row[name] for name in as_they_are},
        id=bytes.fromhex(row["id"]),
        kiosk=papers.thumbprint(messages.public_key_from_text(kiosk_key)),
        document=bytes.fromhex(row["document"]),
        epoch=epoch,
    )


def _wish(transaction: Transaction, device: str, item: str, paper: papers.Signed, by: str, at: datetime) -> None:
    content = {"id": item, "cose": base64.b64encode(paper.data).decode("ascii")}
    downlink.wish(transaction, device, SECTION, item, content, by, at)


def _enrolment_item(lock: str) -> str:
    return f"enrolment-{lock.lower()}"


def _grant_item(item: str) -> str:
    return f"grant-{item}"
