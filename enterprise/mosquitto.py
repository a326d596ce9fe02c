"""A configuration for Mosquitto under which a kiosk can do nothing in another's name: mutual TLS, and topic rights by certificate.

The broker keeps nothing that would be missed, and writes nothing to its disk: a kiosk's journal is the outbox, only the server's
signature empties it, and what a restart makes the broker forget is said again (docs/adr/0125). Its queues are unlimited in number
because each kiosk has at most four batches under way, and bounded in bytes because something else may send more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device import messages
from device.messages import wire
from enterprise import authority, names
from enterprise.errors import EnterpriseError

CONFIG_NAME = "mosquitto.conf"
MOST_QUEUED_BYTES = 256 << 20  # for one reader; beyond it Mosquitto drops the newest, which kiosks send again


class BrokerConfigError(EnterpriseError):
    """The configuration cannot be written as asked."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens, and the user it runs as when root starts it (empty: Mosquitto's own choice)."""

    port: int
    address: str = "127.0.0.1"
    user: str = ""


def write(folder: Path, certificates: Path, listener: Listener, ingesters: Sequence[str] = (names.INGEST,)) -> Path:
    """mosquitto.conf and its access list in `folder`; the path of mosquitto.conf, written anew each time."""
    root, server = authority.place(certificates, authority.ROOT), authority.place(certificates, authority.BROKER)
    for needed in (root.certificate, server.certificate, server.key):
        if not needed.exists():
            raise BrokerConfigError(f"{needed} is missing; run daka-enterprise authority init and authority server first")
    folder.mkdir(parents=True, exist_ok=True)
    access = folder / "access.list"
    access.write_text(access_list(ingesters), encoding="ascii")
    config = folder / CONFIG_NAME
    config.write_text("\n".join(_lines(listener, root, server, access)) + "\n", encoding="utf-8")
    return config


def _lines(listener: Listener, root: authority.Issued, server: authority.Issued, access: Path) -> list[str]:
    revoked = root.certificate.with_name(authority.REVOKED)  # an authority of an older version has none yet
    return [
        *([f"user {listener.user}"] if listener.user else []),
        f"listener {listener.port} {listener.address}",
        f"cafile {root.certificate.absolute()}",
        f"certfile {server.certificate.absolute()}",
        f"keyfile {server.key.absolute()}",
        *([f"crlfile {revoked.absolute()}"] if revoked.exists() else []),
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",  # or one kiosk could end another's connection by taking its client id
        "allow_anonymous false",
        f"acl_file {access.absolute()}",
        "set_tcp_nodelay true",
        f"max_packet_size {wire.MAX_MESSAGE_BYTES}",
        f"message_size_limit {wire.MAX_MESSAGE_BYTES}",
        "max_queued_messages 0",  # the default of 1,000 drops in silence
        f"max_queued_bytes {MOST_QUEUED_BYTES}",
        "max_inflight_messages 100",
        "persistence false",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]


def access_list(ingesters: Sequence[str]) -> str:
    """Topic rights: %u is the common name of the client's certificate."""
    own = messages.topics("%u")
    written = (own.records, own.hello, own.lock_question, own.state)  # each can hold one retained message, and no other can
    kiosk = [*(f"pattern write {topic}" for topic in written), f"pattern read {_below(own.acknowledgement)}"]
    kiosk.append(f"pattern read {messages.SERVER_STATE_TOPIC}")
    return "\n".join([*kiosk, *(line for name in ingesters for line in _ingester(name))]) + "\n"


def _ingester(name: str) -> list[str]:
    every = messages.topics("+")
    return [
        "",
        f"user {name}",
        f"topic read {_below(every.records)}",
        f"topic read {every.state}",
        f"topic write {_below(every.acknowledgement)}",
        f"topic write {messages.SERVER_STATE_TOPIC}",
    ]


def _below(topic: str) -> str:
    return topic.rpartition("/")[0] + "/#"
