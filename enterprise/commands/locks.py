"""`daka-enterprise lock` and `grant`: which locks there are, who may use them, and what is approved to be stamped."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import select

from device import messages
from device.messages.lock import MOST_OFFLINE_S, PERSON, Factor, factors_text
from device.messages.lock.fields import LOCK_ID
from enterprise import keys, lock_stamps, locks, show, tables
from enterprise.commands.desired import person_of
from enterprise.commands.shared import database_option, now, opened_database, print_table
from enterprise.commands.signing import Decision, by_option, deciding, heard_kiosks, options, sign_each
from enterprise.errors import EnterpriseError

FACTORS = {"face": Factor.FACE, "pin": Factor.PIN, "at-lock": Factor.AT_LOCK}
OFFLINE_H = MOST_OFFLINE_S / 3600
GRANT_HEADINGS = ("grant", "lock", "kiosk", "person", "label", "stamps", "made", "factors", "until", "by")


@click.group("lock")
def lock_group() -> None:
    """Contract locks: which there are, which kiosks may use them, and what they say."""


@lock_group.command("add")
@click.argument("lock")
@click.argument("key")
@by_option
@database_option
def add_command(lock: str, key: str, by: str, database: str) -> None:
    """Know LOCK by its own KEY (ed25519:BASE64), as it is printed on its box or shown by `daka-lock init`."""
    if not LOCK_ID.accepts(lock):
        raise EnterpriseError(f"{lock!r} cannot be a lock's name: A-Z, a-z, 0-9 and hyphens, 4 to 32")
    messages.public_key_from_text(key)
    with opened_database(database, create=True) as opened, opened.transaction() as transaction:
        locks.add(transaction, lock, key, by, now())
    click.echo(f"{lock} is known; next: daka-enterprise lock enrol {lock} KIOSK KEY")


@lock_group.command("enrol")
@click.argument("lock")
@click.argument("device")
@click.argument("key", default="")
@click.option("--days", type=click.IntRange(1, 3_650), default=365, show_default=True, help="For how long.")
@options
def enrol_command(lock: str, device: str, key: str, days: int, by: str, folder: Path, database: str) -> None:
    """Let DEVICE use LOCK. KEY, for a kiosk that has not joined, is its grant-use key, shown there by `daka lock key`."""
    with deciding(database) as transaction:
        locks.enrol(transaction, lock, device, key, int((now() + timedelta(days=days)).timestamp()))
        sign_papers(transaction, lock, folder, by)


@lock_group.command("withdraw")
@click.argument("lock")
@click.argument("device")
@options
def withdraw_command(lock: str, device: str, by: str, folder: Path, database: str) -> None:
    """DEVICE may use LOCK no more. The lock hears it with the server's next word; the other kiosks get new papers."""
    with deciding(database) as transaction:
        locks.withdraw(transaction, lock, device, now())
        sign_papers(transaction, lock, folder, by)
        _sign_if_heard(transaction, folder, [device])
    click.echo(f"{device} may not use {lock} any more, and its approvals there are void")


@lock_group.command("remove")
@click.argument("lock")
@options
def remove_command(lock: str, by: str, folder: Path, database: str) -> None:
    """LOCK is known no more: no kiosk may use it, and the server has no word for it. What it did stays on record."""
    with deciding(database) as transaction:
        _sign_if_heard(transaction, folder, locks.remove(transaction, lock, by, now()))
    click.echo(f"{lock} is known no more")


@lock_group.command("sign")
@click.argument("lock")
@options
def sign_command(lock: str, by: str, folder: Path, database: str) -> None:
    """Sign LOCK's papers anew, for a kiosk that was trusted or heard only now, or after `distrust` without the keys."""
    with deciding(database) as transaction:
        sign_papers(transaction, lock, folder, by)


@lock_group.command("clear")
@click.argument("lock")
@by_option
@database_option
def clear_command(lock: str, by: str, database: str) -> None:
    """Take back what is known of LOCK's tampering and falls, after somebody has looked at it; it hears so at its next visit."""
    with deciding(database) as transaction:
        upto = locks.clear(transaction, lock, by, now())
    click.echo(f"taken back up to event {upto}; {lock} hears it at its next visit")


@lock_group.command("list")
@database_option
def list_command(database: str) -> None:
    """Every lock, how far its log is here, how many stamps wait for the record of their verification, and who may use it."""
    with opened_database(database) as opened, opened.reading() as connection:
        found = connection.execute(select(tables.lock).order_by(tables.lock.c.lock)).all()
        rows = []
        for row in found:
            kiosks = ", ".join(locks.enrolled(connection, row.lock))
            rows.append((row.lock, row.epoch, row.seen, lock_stamps.awaited(connection, row.lock), kiosks))
    print_table(show.drawn("locks", ("lock", "epoch", "events", "awaited", "kiosks"), rows))


@lock_group.command("log")
@click.argument("lock")
@database_option
def log_command(lock: str, database: str) -> None:
    """LOCK's events, each verified when it came in, and of each stamp whether its person was: verified, awaited or missing."""
    with opened_database(database) as opened, opened.reading() as connection:
        locks.known(connection, lock)
        column, stamp = tables.lock_event.c, tables.lock_stamp.c
        same = (stamp.lock == column.lock) & (stamp.number == column.number)
        query = select(tables.lock_event, stamp.state).outerjoin(tables.lock_stamp, same).where(column.lock == lock)
        rows = []
        for row in connection.execute(query.order_by(column.number)):
            at = messages.write_time(_moment(row.at)) if row.at else "no time"
            rows.append((row.number, row.event, row.grant_id, row.person, row.used or "", row.state, at, row.device))
    print_table(show.drawn(lock, ("number", "event", "approval", "person", "stamp", "verified", "at", "by kiosk"), rows))


@click.group("grant")
def grant_group() -> None:
    """What is approved to be stamped: for whom, at which lock, on which document, how often, until when."""


@grant_group.command("issue")
@click.option("--lock", required=True, help="The lock.")
@click.option("--device", required=True, help="The kiosk at which the person is verified.")
@click.option("--person", required=True, help="Employee number on the roster, or the opaque id p-...")
@click.option(
    "--document", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The document; only its digest is used."
)
@click.option("--sha256", default="", help="Its digest in hex instead.")
@click.option("--stamps", type=click.IntRange(1, 1_000), default=1, show_default=True, help="How many.")
@click.option("--label", default="", help="What the kiosk shows, such as `contract 4711`.")
@click.option("--hours", type=click.FloatRange(0.01, 24 * 366), default=OFFLINE_H, show_default=True, help="For how long.")
@click.option(
    "--factor",
    "factors",
    type=click.Choice(list(FACTORS)),
    multiple=True,
    default=["face"],
    help="Proof of the person; at-lock beside another only.",
)
@options
def issue_command(
    lock: str,
    device: str,
    person: str,
    document: Path | None,
    sha256: str,
    stamps: int,
    label: str,
    hours: float,
    factors: tuple[str, ...],
    by: str,
    folder: Path,
    database: str,
) -> None:
    """Approve stamps, and send the grant down to the kiosk. One that lives longer than eight hours is never used offline."""
    digest, begins, item = _digest(document, sha256), now(), secrets.token_bytes(16)
    times = int(begins.timestamp()), int((begins + timedelta(hours=hours)).timestamp())
    asked = int(sum(FACTORS[name] for name in set(factors)))
    with deciding(database) as transaction:
        who = person if PERSON.accepts(person) else person_of(transaction, device, person).person
        locks.approve(transaction, locks.Wanted(lock, device, who, digest, stamps, asked, label, *times), item, by, begins)
        sign_papers(transaction, lock, folder, by)
    click.echo(f"{item.hex()}: {stamps} stamp(s) at {lock} for {who}")


@grant_group.command("revoke")
@click.argument("grant")
@options
def revoke_command(grant: str, by: str, folder: Path, database: str) -> None:
    """No stamp under GRANT any more. The lock hears it with the server's next word; offline it ends within eight hours."""
    with deciding(database) as transaction:
        row = locks.revoke(transaction, grant, now())
        sign_papers(transaction, row.lock, folder, by)
    click.echo(f"{grant} is revoked; the other approvals of {row.lock} are signed anew")


@grant_group.command("list")
@database_option
def grants_command(database: str) -> None:
    """Every approval, and how many of its stamps were made."""
    with opened_database(database) as opened, opened.reading() as connection:
        column, event = tables.lock_grant.c, tables.lock_event.c
        rows = []
        for row in connection.execute(select(tables.lock_grant).order_by(column.issued_at)):
            made = len(connection.execute(select(event.number).where(event.grant_id == row.id, event.event == "stamp")).all())
            until = "revoked" if row.revoked else messages.write_time(_moment(row.expires_at))
            who = (row.id, row.lock, row.device, row.person, row.label)
            rows.append((*who, row.stamps, made, factors_text(row.factors), until, row.asked_by))
    print_table(show.drawn("approvals", GRANT_HEADINGS, rows))


def sign_papers(transaction: Decision, lock: str, folder: Path, by: str) -> None:
    """The papers of every kiosk that may use the lock, and the states that bring them."""
    published = locks.publish(transaction, lock, keys.read(folder, "grant"), by, now())
    sign_each(transaction, folder, published.ready)
    for device in published.waiting:
        click.echo(f"{device} gets no papers before it is trusted and has said hello; then: daka-enterprise lock sign {lock}")


def _sign_if_heard(transaction: Decision, folder: Path, devices: Iterable[str]) -> None:
    heard = heard_kiosks(transaction)
    sign_each(transaction, folder, [device for device in devices if device in heard])


def _digest(document: Path | None, sha256: str) -> bytes:
    if (document is None) is (not sha256):
        raise EnterpriseError("name the document by --document FILE or by --sha256 HEX, one of them")
    try:
        digest = hashlib.sha256(document.read_bytes()).digest() if document else bytes.fromhex(sha256)
    except (OSError, ValueError) as error:
        raise EnterpriseError("the document cannot be read, or its digest is not hex") from error
    if len(digest) != 32:
        raise EnterpriseError("a SHA-256 has 64 hex digits")
    return digest


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
