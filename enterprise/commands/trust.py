"""Which kiosks are believed, and whether what they sent holds."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import click

from device import messages
from enterprise import certificates, downlink, locks, names, replacing, verify
from enterprise.commands.locks import sign_papers
from enterprise.commands.shared import database_option, now, opened_database
from enterprise.commands.signing import deciding
from enterprise.errors import EnterpriseError


@click.command()
@click.argument("device")
@click.argument("key")
@click.option("--replace", is_flag=True, help="Change the key of a device that has another one already.")
@click.option("--by", default=lambda: f"cli:{getpass.getuser()}", show_default="cli:USER", help="Who says so.")
@database_option
def trust(device: str, key: str, replace: bool, by: str, database: str) -> None:
    """Vouch for DEVICE: its journal's public KEY, ed25519:BASE64, as the kiosk shows it."""
    if not names.is_device(device):
        raise EnterpriseError(f"{device!r} cannot be a kiosk's name: a-z, 0-9 and hyphens, at most 64, neither server nor ingest")
    messages.public_key_from_text(key)
    with opened_database(database, create=True) as opened, opened.transaction() as transaction:
        transaction.alone()
        before = transaction.trust(device, key, now())
        if before is not None and not replace:
            raise EnterpriseError(f"{device} is trusted with another key, {before}; ask why before you add --replace")
        freed = replacing.replaced(transaction, device, before, key, by, now()) if before is not None else ()
        shared = [lock for lock in freed if locks.enrolled(transaction.connection, lock)]
    click.echo(f"{device} is trusted with {key}")
    for lock in freed:
        click.echo(f"{lock} refuses it until it is enrolled: daka-enterprise lock enrol {lock} {device} KEY --keys FOLDER")
    _say_unsigned(shared)


@click.command()
@click.argument("device")
@click.option("--by", default=lambda: f"cli:{getpass.getuser()}", show_default="cli:USER", help="Who says so.")
@click.option(
    "--keys", "folder", type=click.Path(path_type=Path), default=None, help="Folder of grant and policy key, for its locks' others."
)
@database_option
def distrust(device: str, by: str, folder: Path | None, database: str) -> None:
    """DEVICE is believed no more, such as a stolen kiosk.

    Its records are refused, its certificate is not renewed, nothing is sealed to it; what it has sent stays. Contract locks that it
    could use take no paper of before: with --keys the other kiosks' are signed anew at once, else by `lock sign`. The broker itself
    lets it in until its certificate is on the list of `authority revoked`.
    """
    with deciding(database) as transaction:
        if not transaction.distrust(device):
            raise EnterpriseError(f"{device} is not trusted; see: daka-enterprise show devices")
        freed = locks.withdraw_all(transaction, device, now())
        downlink.abandon(transaction, device)
        certificates.revoke(transaction, device, now())
        transaction.alarm(device, "", "distrusted", 0, f"it is believed no more, says {by}", now())
        others = [lock for lock in freed if locks.enrolled(transaction.connection, lock)]
        if folder is not None:
            for lock in others:
                sign_papers(transaction, lock, folder, by)
    click.echo(f"{device} is believed no more; shut it out of the broker, too: daka-enterprise authority revoked --dir PKI")
    for lock in freed:
        click.echo(f"{lock} refuses it once another kiosk has brought it the server's word; till then it has what it was given")
    _say_unsigned(others if folder is None else [])


def _say_unsigned(shared: list[str]) -> None:
    for lock in shared:
        click.secho(f"{lock}: its other kiosks need new papers: daka-enterprise lock sign {lock} --keys FOLDER", fg="yellow")


@click.command("verify")
@click.argument("device", required=False)
@database_option
def verify_command(device: str | None, database: str) -> None:
    """Walk every stored chain (or DEVICE's) and name the first bad record, each gap and each fork. Exit code 1 if there is one."""
    with opened_database(database) as opened:
        chains = list(verify.chains(opened, device))
    if not chains:
        raise EnterpriseError(f"no records are stored{f' for {device}' if device else ''}")
    for chain in chains:
        click.echo(
            f"{chain.device} {chain.epoch} records {chain.records} parked {chain.parked} upto {chain.upto} head {chain.head}"
        )
        for finding in chain.findings:
            click.secho(f"  {finding.kind}: {finding.sentence}", fg="red")
    if not all(chain.holds for chain in chains):
        sys.exit(1)
    click.echo("every chain holds")
