"""The ingest daemon's command."""

from __future__ import annotations

import logging
import random
import threading
from pathlib import Path

import click

from device import messages
from enterprise import expiry, keys, lock_watch, mqtt, names, service, store
from enterprise.commands.shared import database_option, host_and_port, now, stop_on_signals
from enterprise.errors import EnterpriseError
from enterprise.ingest import Ingester

log = logging.getLogger(__name__)

LATEST_RETRY_S = 10.0


@click.command()
@database_option
@click.option("--keys", "folder", type=click.Path(path_type=Path), required=True, help="Folder of the key made by `keys init`.")
@click.option("--broker", required=True, metavar="HOST:PORT", help="The MQTT 5 broker's TLS port.")
@click.option("--ca", type=click.Path(path_type=Path), required=True, help="Certificate that the broker's must come from (PEM).")
@click.option("--cert", type=click.Path(path_type=Path), required=True, help="Our client certificate (PEM).")
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Its private key (PEM).")
@click.option("--name", default=names.INGEST, show_default=True, help="Our name at the broker; as in the certificate.")
@click.option("--share", default="", metavar="GROUP", help="Share the kiosks with other workers of this group.")
@click.option(
    "--spread",
    default=4,
    show_default=True,
    type=click.IntRange(0, 3600),
    help="Seconds over which kiosks come back; they honour at most 300.",
)
def ingest(database: str, folder: Path, broker: str, ca: Path, cert: Path, key: Path, name: str, share: str, spread: int) -> None:
    """Take records into the database and sign for them after each commit. Runs until SIGTERM.

    A broker or a database that is away is waited for; nothing is lost meanwhile, because no kiosk forgets what is not signed for.
    """
    stop = stop_on_signals()
    signing = keys.read(folder)
    host, port = host_and_port(broker)
    link = mqtt.Link(mqtt.Broker(host, port, ca, cert, key, name), _subscriptions(share), _presence(spread))
    opened = _open_when_there(database, stop)
    if opened is not None:
        log.info("records go to %s; acknowledgements are signed by %s", opened.name, messages.public_key_text(signing))
        watch = expiry.Watch(opened, now, lock_watch.look)
        watch.know(name, expiry.life_of(cert))
        service.Service(Ingester(opened, signing, now), link, opened, watch).run(stop)
        opened.close()


def _open_when_there(database: str, stop: threading.Event) -> store.Store | None:
    said = ""
    while not stop.is_set():
        try:
            return store.connect(database, bounded=True)
        except store.StoreAway as error:
            if str(error) != said:
                said = str(error)
                log.error("%s; waiting for it", said)
            stop.wait(random.uniform(0.5, LATEST_RETRY_S))
    return None


def _subscriptions(share: str) -> tuple[str, ...]:
    if share and any(sign in share for sign in "/+#"):
        raise EnterpriseError("--share: the name of a group holds none of / + #")
    every = messages.topics("+")
    prefix = f"$share/{share}/" if share else ""
    return prefix + every.records, prefix + every.hello, prefix + every.lock_question, prefix + every.state


def _presence(spread_s: int) -> mqtt.Words:
    def state(*, online: bool) -> bytes:
        time = messages.write_time(now())
        data = {"online": online, "spread_s": spread_s}
        return messages.seal_envelope("server-state", names.SERVER, f"server/{time}", time, data)

    return mqtt.Words(messages.SERVER_STATE_TOPIC, state(online=True), state(online=False))
