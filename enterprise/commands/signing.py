"""What the commands share that want something of kiosks: one at a time, and each signs the kiosks' next states at once."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import select

from device import messages
from enterprise import downlink, key_sets, keys, tables
from enterprise.commands.shared import database_option, now, opened_database
from enterprise.downlink import EVERY
from enterprise.store import Store, Transaction

keys_option = click.option("--keys", "folder", type=click.Path(path_type=Path), required=True, help="Folder of the policy key.")
by_option = click.option(
    "--by", default=lambda: f"cli:{getpass.getuser()}", show_default="cli:USER", help="Who asks for it; kiosks put it on record."
)


def options(command: Callable[..., None]) -> Callable[..., None]:
    """What every command takes that signs."""
    return by_option(keys_option(database_option(command)))


@contextmanager
def deciding(database: str) -> Iterator[Transaction]:
    """The database while nobody else decides; see `decided`."""
    with opened_database(database) as opened, decided(opened) as transaction:
        yield transaction


@contextmanager
def decided(opened: Store) -> Iterator[Transaction]:
    """What is wished in the block is kept and signed, or nothing of it is; nobody else wishes or signs meanwhile.

    It begins without what has ended, so that no list only ever grows.
    """
    with opened.transaction() as transaction:
        transaction.alone()
        downlink.end(transaction, now())
        yield transaction


def sign_states(transaction: Transaction, folder: Path, device: str) -> None:
    """Every kiosk that was heard, or the one; the whole command is undone if one of them cannot be."""
    key, key_set = keys.read(folder, "policy"), key_sets.read(folder)
    names = [device] if device else heard_kiosks(transaction)
    if not names:
        messages.check_content(downlink.content_for(transaction.connection, EVERY))
        click.echo("kept; no kiosk has said hello yet, so there is none to sign for: daka-enterprise desired sign, once one has")
    for name in names:
        _say(downlink.sign(transaction, name, key, key_set, now()))


def place_text(place: messages.Place) -> str:
    return f"{place.generation}/{place.version}"


def _say(signed: downlink.Signed) -> None:
    click.echo(f"{signed.device}: state {place_text(signed.place)} is signed, {signed.pages} page(s)")


def heard_kiosks(transaction: Transaction) -> Sequence[str]:
    """Kiosks that have said hello, so that something can be sealed to them."""
    column = tables.kiosk_side.c
    return transaction.connection.execute(select(column.device).order_by(column.device)).scalars().all()
