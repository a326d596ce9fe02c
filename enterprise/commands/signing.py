"""What the commands share that want something of kiosks: one at a time, and each signs the kiosks' next states at once."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import select

from device import messages
from enterprise import downlink, key_sets, keys, tables
from enterprise.commands.shared import database_option, now, opened_database
from enterprise.downlink import EVERY
from enterprise.errors import EnterpriseError
from enterprise.store import Store, Transaction

keys_option = click.option("--keys", "folder", type=click.Path(path_type=Path), required=True, help="Folder of the policy key.")
by_option = click.option(
    "--by", default=lambda: f"cli:{getpass.getuser()}", show_default="cli:USER", help="Who asks for it; kiosks put it on record."
)


class Unsigned(EnterpriseError):
    """What was decided is kept, and some kiosks have no new state; each was named."""


class Decision(Transaction):
    """A transaction in which somebody decides; `unsigned`: the kiosks for which no state could be made."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction.connection)
        self.unsigned: list[str] = []


def options(command: Callable[..., None]) -> Callable[..., None]:
    """What every command takes that signs."""
    return by_option(keys_option(database_option(command)))


@contextmanager
def deciding(database: str) -> Iterator[Decision]:
    """The database while nobody else decides; see `decided`."""
    with opened_database(database) as opened, decided(opened) as transaction:
        yield transaction


@contextmanager
def decided(opened: Store) -> Iterator[Decision]:
    """What is wished in the block is kept and signed, or nothing of it is; nobody else wishes or signs meanwhile.

    It begins without what has ended, so that no list only ever grows. Unsigned, once all is kept: not every kiosk could be served.
    """
    with opened.transaction() as transaction:
        transaction.alone()
        downlink.end(transaction, now())
        decision = Decision(transaction)
        yield decision
    if decision.unsigned:
        raise Unsigned(f"nothing new could be signed for {', '.join(decision.unsigned)}; all the rest is done")


def sign_states(transaction: Decision, folder: Path, device: str) -> None:
    """Every kiosk that was heard; or the one, and the whole command is undone if nothing can be signed for it."""
    if device:
        _say(downlink.sign(transaction, device, keys.read(folder, "policy"), key_sets.read(folder), now()))
        return
    messages.check_content(downlink.content_for(transaction.connection, EVERY))
    names = heard_kiosks(transaction)
    sign_each(transaction, folder, names)
    if not names:
        click.echo("kept; no kiosk has said hello yet, so there is none to sign for: daka-enterprise desired sign, once one has")


def sign_each(transaction: Decision, folder: Path, devices: Iterable[str]) -> None:
    """The states of these; one that cannot be made stops none of the others, for an erasure may be among them."""
    key, key_set = keys.read(folder, "policy"), key_sets.read(folder)
    for device in devices:
        try:
            _say(downlink.sign(transaction, device, key, key_set, now()))  # it writes nothing before all of it is made
        except (downlink.DesiredError, messages.MessageError) as error:
            transaction.unsigned.append(device)
            click.secho(f"{device}: nothing new is signed ({error})", fg="red", err=True)


def place_text(place: messages.Place) -> str:
    return f"{place.generation}/{place.version}"


def _say(signed: downlink.Signed) -> None:
    click.echo(f"{signed.device}: state {place_text(signed.place)} is signed, {signed.pages} page(s)")


def heard_kiosks(transaction: Transaction) -> Sequence[str]:
    """Kiosks that have said hello, so that something can be sealed to them."""
    column = tables.kiosk_side.c
    return transaction.connection.execute(select(column.device).order_by(column.device)).scalars().all()
