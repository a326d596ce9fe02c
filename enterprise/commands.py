"""The `daka-enterprise` command: the enterprise's side. What goes wrong is one sentence and an exit code, never a traceback."""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from device import messages
from enterprise import authority, keys, mosquitto, mqtt, names, service, show, store, verify
from enterprise.errors import EnterpriseError
from enterprise.ingest import Ingester

log = logging.getLogger(__name__)

DATABASE = "sqlite:///daka-enterprise.db"
LATEST_RETRY_S = 10.0

database_option = click.option(
    "--database",
    default=DATABASE,
    show_default=True,
    envvar="DAKA_ENTERPRISE_DATABASE",
    help="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME.",
)
folder_option = click.option("--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder of the files.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", help="How much to log.")
def daka_enterprise(log_level: str) -> None:
    """The enterprise's side of Daka: take kiosks' records from the broker, exactly once, and sign for them."""
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)


@daka_enterprise.command()
@database_option
@click.option("--keys", "folder", type=click.Path(path_type=Path), required=True, help="Folder of the key made by `keys init`.")
@click.option("--broker", required=True, metavar="HOST:PORT", help="The MQTT 5 broker's TLS port.")
@click.option("--ca", type=click.Path(path_type=Path), required=True, help="Certificate that the broker's must come from (PEM).")
@click.option("--cert", type=click.Path(path_type=Path), required=True, help="Our client certificate (PEM).")
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Its private key (PEM).")
@click.option("--name", default=names.INGEST, show_default=True, help="Our name at the broker; as in the certificate.")
@click.option("--share", default="", metavar="GROUP", help="Share the kiosks with other workers of this group.")
@click.option("--spread", default=4, show_default=True, type=click.IntRange(0, 3600), help="Seconds over which kiosks come back.")
def ingest(database: str, folder: Path, broker: str, ca: Path, cert: Path, key: Path, name: str, share: str, spread: int) -> None:
    """Take records into the database and sign for them after each commit. Runs until SIGTERM.

    A broker or a database that is away is waited for; nothing is lost meanwhile, because no kiosk forgets what is not signed for.
    """
    stop = _stop_on_signals()
    signing = keys.read(folder)
    host, port = _host_and_port(broker)
    link = mqtt.Link(mqtt.Broker(host, port, ca, cert, key, name), _subscriptions(share), _presence(spread))
    opened = _open_when_there(database, stop)
    if opened is not None:
        log.info("records go to %s; acknowledgements are signed by %s", opened.name, messages.public_key_text(signing))
        service.Service(Ingester(opened, signing, now), link).run(stop)
        opened.close()


@daka_enterprise.command()
@click.argument("device")
@click.argument("key")
@click.option("--replace", is_flag=True, help="Change the key of a device that has another one already.")
@database_option
def trust(device: str, key: str, replace: bool, database: str) -> None:
    """Vouch for DEVICE: its journal's public KEY, ed25519:BASE64, as the kiosk shows it."""
    if not names.is_device(device):
        raise EnterpriseError(f"{device!r} cannot be a kiosk's name: a-z, 0-9 and hyphens, at most 64, neither server nor ingest")
    messages.public_key_from_text(key)
    with _opened(database, create=True) as opened, opened.transaction() as transaction:
        before = transaction.trust(device, key, now())
        if before is not None and not replace:
            raise EnterpriseError(f"{device} is trusted with another key, {before}; ask why before you add --replace")
        if before is not None:
            transaction.alarm(device, "", "key_replaced", 0, f"{before} was replaced by {key}", now())
    click.echo(f"{device} is trusted with {key}")


@daka_enterprise.command("verify")
@click.argument("device", required=False)
@database_option
def verify_command(device: str | None, database: str) -> None:
    """Walk every stored chain (or DEVICE's) and name the first bad record, each gap and each fork. Exit code 1 if there is one."""
    with _opened(database) as opened:
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


@daka_enterprise.group("keys")
def keys_group() -> None:
    """The key that signs acknowledgements."""


@keys_group.command("init")
@folder_option
def keys_init(folder: Path) -> None:
    """Make the key, once, and print its public half for the kiosks' `uplink.server_key`."""
    click.echo(messages.public_key_text(keys.create(folder)))


@keys_group.command("show")
@folder_option
def keys_show(folder: Path) -> None:
    """Print the public half."""
    click.echo(messages.public_key_text(keys.read(folder)))


@daka_enterprise.group("authority")
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


@authority_group.command("mosquitto")
@folder_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for mosquitto.conf, access list and state.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8883, show_default=True, help="TLS port.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--ingester", "ingesters", multiple=True, default=(names.INGEST,), show_default=True, help="Names of the workers.")
def authority_mosquitto(folder: Path, out: Path, port: int, address: str, ingesters: tuple[str, ...]) -> None:
    """Write a configuration for Mosquitto: mutual TLS with this authority, topic rights by certificate."""
    user = "root" if os.geteuid() == 0 else ""
    click.echo(mosquitto.write(out, folder, mosquitto.Listener(port, address, user), ingesters))


@daka_enterprise.group("show")
def show_group() -> None:
    """Look at what is stored."""


@show_group.command("devices")
@database_option
def show_devices(database: str) -> None:
    """Trusted devices, their journals, and how far each is signed for."""
    _show(database, "devices", show.devices())


@show_group.command("punches")
@click.option("--most", default=50, show_default=True, help="How many.")
@database_option
def show_punches(most: int, database: str) -> None:
    """The latest punches."""
    _show(database, "punches", show.punches(most))


@show_group.command("parked")
@click.option("--most", default=50, show_default=True, help="How many.")
@database_option
def show_parked(most: int, database: str) -> None:
    """Records that this server could not use, and why."""
    _show(database, "parked", show.parked(most))


@show_group.command("alarms")
@click.option("--most", default=50, show_default=True, help="How many.")
@database_option
def show_alarms(most: int, database: str) -> None:
    """What a person must look at."""
    _show(database, "alarms", show.alarms(most))


def now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


def _show(database: str, title: str, query: show.Query) -> None:
    with _opened(database) as opened, opened.reading() as connection:
        Console().print(show.table(connection, title, query))


def _print(issued: authority.Issued) -> None:
    click.echo(f"{issued.certificate}\n{issued.key}")


@contextmanager
def _opened(database: str, *, create: bool = False) -> Iterator[store.Store]:
    opened = store.connect(database, create=create)
    try:
        yield opened
    finally:
        opened.close()


def _open_when_there(database: str, stop: threading.Event) -> store.Store | None:
    said = ""
    while not stop.is_set():
        try:
            return store.connect(database)
        except store.StoreAway as error:
            if str(error) != said:
                said = str(error)
                log.error("%s; waiting for it", said)
            stop.wait(random.uniform(0.5, LATEST_RETRY_S))
    return None


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise EnterpriseError(f"--broker {text}: write HOST:PORT, such as broker.example:8883")
    return host.strip("[]"), int(port)


def _subscriptions(share: str) -> tuple[str, ...]:
    if share and any(sign in share for sign in "/+#"):
        raise EnterpriseError("--share: the name of a group holds none of / + #")
    every = messages.topics("+")
    prefix = f"$share/{share}/" if share else ""
    return prefix + every.records, prefix + every.hello


def _presence(spread_s: int) -> mqtt.Words:
    def state(*, online: bool) -> bytes:
        time = messages.write_time(now())
        data = {"online": online, "spread_s": spread_s}
        return messages.seal_envelope("server-state", names.SERVER, f"server/{time}", time, data)

    return mqtt.Words(messages.SERVER_STATE_TOPIC, state(online=True), state(online=False))


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop


def main() -> None:
    """The console script."""
    try:
        daka_enterprise()
    except (EnterpriseError, messages.MessageError) as error:
        click.secho(f"daka-enterprise: {error}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
