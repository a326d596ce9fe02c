"""`daka-enterprise join`: invite kiosks, compare their codes, let them in."""

from __future__ import annotations

import getpass
import logging
import threading
from datetime import timedelta
from pathlib import Path

import click
import segno

from device import messages
from enterprise import authority, expiry, join_service, joining, key_sets, keys, show
from enterprise.commands.shared import database_option, host_and_port, now, opened_database, print_table, stop_on_signals
from enterprise.errors import EnterpriseError

log = logging.getLogger(__name__)

LOOK_S = 10.0  # after our own certificate
PICTURES = (".svg", ".png")

pki_option = click.option("--dir", "pki", type=click.Path(path_type=Path), required=True, help="Folder of the authority.")
keys_option = click.option("--keys", "folder", type=click.Path(path_type=Path), required=True, help="Folder of keys and key set.")


def _https(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    """As kiosks take it, or an invitation would be printed that none can use."""
    if url and not joining.is_service(url):
        raise EnterpriseError(f"--url {url}: write https://HOST:PORT, as kiosks reach the join service")
    return url


url_option = click.option(
    "--url",
    default="",
    callback=_https,
    help="The join service as kiosks reach it, https://HOST:PORT; without it the invitation's.",
)
broker_option = click.option("--broker", required=True, metavar="HOST:PORT", help="The broker that kiosks are sent to.")
replace_option = click.option("--replace", is_flag=True, help="The kiosk had another key here: it was reset.")


@click.group("join")
def join_group() -> None:
    """Let kiosks join: an invitation, a code that a person compares, a certificate."""


@join_group.command("invite")
@click.argument("device", default="")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 720), help="How long the invitation is good.")
@click.option("--qr", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write a QR code, .svg or .png, too.")
@pki_option
@keys_option
@url_option
@database_option
def invite(device: str, hours: int, qr: Path | None, pki: Path, folder: Path, url: str, database: str) -> None:
    """Print a one-time invitation for DEVICE, or for any name; the installer gives it to `daka join`."""
    if qr is not None and qr.suffix not in PICTURES:
        raise EnterpriseError(f"{qr}: the QR code is written as one of {', '.join(PICTURES)}")
    with opened_database(database, create=True) as opened, opened.transaction() as transaction:
        made = joining.invite(transaction, pki, _key_set(folder)["root"], url, device, now(), timedelta(hours=hours))
        text = messages.write_invitation(made)
        if qr is not None:
            segno.make(text, micro=False).save(str(qr), border=4, scale=4)
    click.echo(text)
    host = f"the host of {url} and " if url else ""
    click.echo(f"a kiosk that joins with it shows, on its own screen, {host}how our root key begins: {made.root_begins}", err=True)


@join_group.command("list")
@database_option
def list_requests(database: str) -> None:
    """Kiosks that wait, with the code that each of them shows."""
    with opened_database(database) as opened, opened.reading() as connection:
        rows = [(one.device, one.code, one.asked_at) for one in joining.waiting(connection, now())]
    print_table(show.drawn("waiting for a person", ("kiosk", "code", "asked at"), rows))


@join_group.command("confirm")
@click.argument("code")
@click.option("--by", default=lambda: f"cli:{getpass.getuser()}", show_default="cli:USER", help="Who compared the code.")
@replace_option
@pki_option
@keys_option
@url_option
@broker_option
@database_option
def confirm(code: str, by: str, replace: bool, pki: Path, folder: Path, url: str, broker: str, database: str) -> None:
    """The kiosk that shows CODE is ours: trust its keys and certify it."""
    ours = _ours(pki, folder, url, broker)
    with opened_database(database) as opened, opened.transaction() as transaction:
        joining.confirm(transaction, code, ours, by, now(), replace=replace)
    click.echo("confirmed; the kiosk fetches its certificate by itself")
    _say_replaced(replace)


@join_group.command("take")
@click.argument("request", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("answer", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--code", prompt="The code that the kiosk shows", help="The code that the kiosk shows.")
@click.option("--by", default=lambda: f"cli:{getpass.getuser()}", show_default="cli:USER", help="Who compared the code.")
@replace_option
@pki_option
@keys_option
@url_option
@broker_option
@database_option
def take(
    request: Path, answer: Path, code: str, by: str, replace: bool, pki: Path, folder: Path, url: str, broker: str, database: str
) -> None:
    """Answer the REQUEST that was carried here as a file, if CODE is the one that the kiosk shows; ANSWER goes back to it."""
    ours, payload = _ours(pki, folder, url, broker), request.read_bytes()
    with opened_database(database, create=True) as opened, opened.transaction() as transaction:
        waiting = joining.ask(transaction, payload, ours.key_set["root"], now(), by_hand=True)
        if code.strip().upper() != waiting.code:
            raise EnterpriseError("the code is not that of this request: another kiosk's, or the file was changed on its way")
        answer.write_bytes(joining.confirm(transaction, code, ours, by, now(), replace=replace, by_hand=True))
    click.echo(f"{waiting.device} is trusted; take {answer} to it: daka join --answer FILE")
    _say_replaced(replace)


@join_group.command("serve")
@click.option("--listen", default="0.0.0.0:8443", show_default=True, metavar="ADDRESS:PORT", help="Where to listen.")
@pki_option
@click.option("--releases", type=click.Path(file_okay=False, path_type=Path), default=None, help="Folder of `offer --to`.")
@keys_option
@database_option
def serve(listen: str, pki: Path, folder: Path, releases: Path | None, database: str) -> None:
    """Serve kiosks that join, renew or look for updates: HTTPS with the certificate of `authority server`, until SIGTERM."""
    stop = stop_on_signals()
    own = authority.place(pki, authority.BROKER)
    if not own.certificate.exists():
        raise EnterpriseError(f"{own.certificate} is missing; make it with: daka-enterprise authority server --dir {pki} HOST")
    address, port = host_and_port(listen)
    signs = keys.read(folder) if keys.place(folder).exists() else None  # unlocking kiosks needs it; letting them join does not
    with opened_database(database, create=True) as opened:
        app = join_service.application(join_service.Service(opened, pki, _key_set(folder)["root"], now, releases, signs))
        server = join_service.server(app, address, port, own.certificate, own.key)
        server.prepare()
        log.info("kiosks join at %s:%d", *server.bind_addr[:2])
        threading.Thread(target=server.serve, name="join", daemon=True).start()
        watch = expiry.Watch(opened, now)
        watch.know(authority.BROKER, expiry.life_of(own.certificate))
        while not stop.wait(LOOK_S):
            watch.look()
        server.stop()


def _say_replaced(replaced: bool) -> None:
    if replaced:
        click.echo("shut the one before out of the broker, too: daka-enterprise authority revoked --dir PKI")
        click.echo("locks that it could use refuse it until it is enrolled anew (lock enrol), and others until: lock sign LOCK")


def _ours(pki: Path, folder: Path, url: str, broker: str) -> joining.Enterprise:
    host, port = host_and_port(broker)
    return joining.Enterprise(pki, keys.read(folder, "policy"), _key_set(folder), host, port, url)


def _key_set(folder: Path) -> dict[str, str]:
    found = key_sets.read(folder)
    if found is None:
        raise EnterpriseError(f"{folder} has no key set; sign one with: daka-enterprise keys sign --dir {folder} --root ROOTFOLDER")
    return found
