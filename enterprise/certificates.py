"""Certificates of kiosks: which were issued for whom, and which count no more.

A name outlives the kiosk that had it: its replacement has the same. So a certificate counts until the kiosk that it was issued
for is distrusted or replaced, whoever has the name then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID
from sqlalchemy import Connection, func, select

from device import messages
from enterprise import authority, tables
from enterprise.errors import EnterpriseError
from enterprise.store import Transaction

TURNS = ("distrusted", "key_replaced")  # alarms that say that another kiosk may have the name from now on
WHOLE_SECONDS = timedelta(seconds=1)  # a certificate's times have no fractions


class CertificateError(EnterpriseError):
    """This is no certificate that can be dealt with; the message says why."""


def issue(transaction: Transaction, folder: Path, device: str, request: str, now: datetime) -> str:
    """A certificate, PEM, for the key that signed `request`; kept in mind, so that it can be taken back."""
    made = authority.certify(folder, device, request, now)
    _keep(transaction, x509.load_pem_x509_certificate(made.encode("ascii")), device, revoked_at="")
    return made


def revoke(transaction: Transaction, device: str, now: datetime) -> None:
    """Every certificate of the kiosk that has the name so far counts no more."""
    column = tables.certificate.c
    theirs = tables.certificate.update().where(column.device == device, column.revoked_at == "")
    transaction.connection.execute(theirs.values(revoked_at=messages.write_time(now)))


def revoke_file(transaction: Transaction, folder: Path, path: Path, now: datetime) -> None:
    """One that was made by hand counts no more; CertificateError if it is none of this authority's."""
    with _readable(path):
        found = x509.load_pem_x509_certificate(path.read_bytes())
        found.verify_directly_issued_by(authority.certificate(folder))
        name = str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    _keep(transaction, found, name, revoked_at=messages.write_time(now))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, IndexError, InvalidSignature) as error:
        raise CertificateError(f"{path} is no certificate of this authority") from error


def _keep(transaction: Transaction, found: x509.Certificate, device: str, *, revoked_at: str) -> None:
    times = {"issued_at": found.not_valid_before_utc + authority.CLOCK_SKEW, "ends_at": found.not_valid_after_utc}
    row = {"serial": f"{found.serial_number:x}", "device": device, "revoked_at": revoked_at}
    transaction.put(tables.certificate, row | {name: messages.write_time(at) for name, at in times.items()})


def counts(connection: Connection, found: x509.Certificate, device: str) -> bool:
    """Whether it is still the kiosk's that it was issued for.

    Of one that an older version issued, or a person by hand, nothing is kept: it has to be younger than the last change of kiosks.
    """
    column, alarm = tables.certificate.c, tables.alarm.c
    revoked_at = connection.scalar(select(column.revoked_at).where(column.serial == f"{found.serial_number:x}"))
    if revoked_at is not None:
        return not revoked_at
    turned = select(func.max(alarm.last_at)).where(alarm.device == device, alarm.kind.in_(TURNS))
    last: str | None = connection.scalar(turned)
    issued_at = found.not_valid_before_utc + authority.CLOCK_SKEW
    return last is None or messages.read_time(last) < issued_at + WHOLE_SECONDS


def revoked(connection: Connection, now: datetime) -> dict[int, datetime]:
    """When each was taken back, by serial number; what has ended by itself is left out."""
    column = tables.certificate.c
    query = select(column.serial, column.revoked_at).where(column.revoked_at != "", column.ends_at > messages.write_time(now))
    return {int(row.serial, 16): messages.read_time(row.revoked_at) for row in connection.execute(query)}
