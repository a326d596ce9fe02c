"""The small certificate authority on the command line."""

from __future__ import annotations

import os
from pathlib import Path

import click

from enterprise import authority, certificates, mosquitto, names, show
from enterprise.commands.shared import database_option, folder_option, now, opened_database, print_table


@click.group("authority")
def authority_group() -> None:
    """A small certificate authority: enough for one site, a test or a demonstration."""


@authority_group.command("init")
@folder_option
def authority_init(folder: Path) -> None:
    """Make the root. Its key signs every certificate: keep the folder off the network."""
    _print(authority.create(folder, now()))


@authority_group.command("server")
@click.argument("addresses", nargs=-1, required=True)
@folder_option
def authority_server(addresses: tuple[str, ...], folder: Path) -> None:
    """A certificate for the broker, good for each host name or IP address in ADDRESSES."""
    _print(authority.issue_server(folder, addresses, now()))


@authority_group.command("device")
@click.argument("name")
@folder_option
def authority_device(name: str, folder: Path) -> None:
    """A client certificate for the kiosk NAME."""
    _print(authority.issue_device(folder, name, now()))


@authority_group.command("ingester")
@click.argument("name", default=names.INGEST)
@folder_option
def authority_ingester(name: str, folder: Path) -> None:
    """A client certificate for the ingester; NAME is `ingest`, or `ingest-2` and so on for further workers."""
    _print(authority.issue_ingester(folder, now(), name))
    if name != names.INGEST:
        click.echo(
            f"the broker must know of it: daka-enterprise authority mosquitto --dir {folder} --out FOLDER, then restart it",
            err=True,
        )


@authority_group.command("renew")
@click.argument("name")
@folder_option
def authority_renew(name: str, folder: Path) -> None:
    """A new certificate for the same key and names, in place of NAME's: broker, ingest, ingest-2, or a kiosk's made by hand.

    Whoever uses it has to be restarted: the broker and `join serve` for broker, the ingester for ingest.
    """
    _print(authority.renew(folder, name, now()))


@authority_group.command("show")
@folder_option
def authority_show(folder: Path) -> None:
    """Every certificate in the folder, for whom it is, and when it ends; the soonest first."""
    rows = [
        (one.name, ", ".join(one.addresses), str(one.ends_at.date()), (one.ends_at - now()).days)
        for one in authority.standing(folder)
    ]
    print_table(show.drawn("certificates", ("name", "addresses", "ends on", "days left"), rows))


@authority_group.command("revoked")
@click.argument("hand_made", metavar="[CERTIFICATE]...", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@folder_option
@database_option
def authority_revoked(hand_made: tuple[Path, ...], folder: Path, database: str) -> None:
    """Write the list of certificates that the broker shall take no more: those of kiosks that were distrusted or replaced.

    CERTIFICATE: files of `authority device` that shall count no more either, which nobody else knows of.
    """
    with opened_database(database) as opened, opened.transaction() as transaction:
        for path in hand_made:
            certificates.revoke_file(transaction, folder, path, now())
        found = certificates.revoked(transaction.connection, now())
    written = authority.write_revoked(folder, found, now())
    click.echo(f"{len(found)} certificates are on the list {written}")
    click.echo("restart the broker, so that it reads the list; if its crlfile is not that, make its configuration anew before")


@authority_group.command("mosquitto")
@folder_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for mosquitto.conf and access list.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8883, show_default=True, help="TLS port.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--ingester", "more", multiple=True, help="A worker whose certificate is not in this folder.")
def authority_mosquitto(folder: Path, out: Path, port: int, address: str, more: tuple[str, ...]) -> None:
    """Write a configuration for Mosquitto: mutual TLS with this authority, topic rights by certificate.

    Every worker that has a certificate in the folder gets an ingester's rights, and ingest in any case.
    """
    ingesters = sorted({names.INGEST, *authority.ingesters(folder), *more})
    user = "root" if os.geteuid() == 0 else ""
    click.echo(mosquitto.write(out, folder, mosquitto.Listener(port, address, user), ingesters))


def _print(issued: authority.Issued) -> None:
    click.echo(f"{issued.certificate}\n{issued.key}")
