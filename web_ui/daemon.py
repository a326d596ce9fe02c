"""The web daemon: its own database, certificate and secret, one socket to the kiosk daemon, one to the browsers."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from device import sections, seen_by_root, service
from device.api import BackupsClient, KioskError, WebClient
from device.api.people import HoldingsClient
from web_ui import export, languages, serve, tls
from web_ui.accounts import Accounts
from web_ui.app import application
from web_ui.house import Auditor, House
from web_ui.jobs import Jobs
from web_ui.sessions import Sessions
from web_ui.store import Store

log = logging.getLogger(__name__)

ANNOUNCE_EVERY_S = 5.0
MOST_QUIET_S = 20.0
SEND_AWAY_S = 1.0
ANYWHERE = ("0.0.0.0", "::")  # what a listener says that was bound to no address


@dataclass(frozen=True, slots=True)
class Options:
    """Where things are; `names` are host names of this machine that browsers use."""

    folder: Path
    kiosk_socket: Path
    address: str
    port: int
    names: tuple[str, ...]
    certificate: Path | None = None
    key: Path | None = None


def in_order(issued: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    """All names, first those that people at this kiosk should type: where a certificate is shared, not another kiosk's."""
    machine = {name.partition(".")[0].lower() for name in own}
    ours = tuple(name for name in issued if name.partition(".")[0] in machine) or issued
    return tuple(dict.fromkeys((*ours, *own, *issued)))


def run(options: Options, systemd: service.Service, section: sections.Section, stop: threading.Event) -> None:
    """From start to `stop`, which another [web] of the settings sets once no work is under way."""
    store = Store(options.folder / "web.db")
    export.settle(store.folder)
    identity = tls.identity(options.folder, options.names, options.certificate, options.key)
    names = in_order(identity.names, options.names)
    listener = serve.listener(options.address, options.port, systemd.internet_listener())
    with WebClient(options.kiosk_socket) as kiosk:
        accounts = Accounts(store)
        parts = House(
            kiosk,
            HoldingsClient(options.kiosk_socket),
            BackupsClient(options.kiosk_socket),
            store,
            accounts,
            Sessions(store, accounts),
            Auditor(kiosk, store),
            Jobs(),
            identity,
            names,
        )
        app = application(parts, secret(options.folder / "secret.key"), languages.compiled(options.folder / "translations"))
        server = serve.server(listener, app, identity)
        threading.Thread(target=server.safe_start, name="https", daemon=True).start()
        bound, port = listener.getsockname()[:2]
        log.info("the web UI is at %s (fingerprint %s)", " ".join(_addresses(names, bound, port)), identity.fingerprint)
        systemd.ready("answering browsers")
        watching = (section, stop, lambda: not parts.jobs.are_running())
        threading.Thread(target=sections.end_on_change, args=watching, name="settings", daemon=True).start()
        try:
            _announce(parts, lambda: _addresses(names, bound, port), systemd, stop, server.quiet_s)
        finally:
            systemd.stopping()
            server.stop()
    store.close()


def idle(systemd: service.Service, section: sections.Section, stop: threading.Event) -> None:
    """Switched off, until the settings say otherwise: nothing is served, and whoever calls at systemd's socket is sent away.

    Not an end: each browser that still called would have systemd start this daemon, until it gave up.
    """
    log.warning("switched off (web.enabled)")
    systemd.watch(lambda: True, stop)
    systemd.ready("switched off (web.enabled)")
    threading.Thread(target=sections.end_on_change, args=(section, stop), name="settings", daemon=True).start()
    passed = systemd.internet_listener()
    if passed is None:
        stop.wait()
    else:
        _send_away(passed, stop)
    systemd.stopping()


def _send_away(listener: socket.socket, stop: threading.Event) -> None:
    listener.settimeout(SEND_AWAY_S)
    while not stop.is_set():
        with contextlib.suppress(OSError):
            listener.accept()[0].close()


def _addresses(names: tuple[str, ...], bound: str, port: int) -> tuple[str, ...]:
    """Where browsers find these pages; a machine may get another address at any time."""
    found = dict.fromkeys((*names, *(seen_by_root.addresses() if bound in ANYWHERE else ())))
    return tuple(f"https://{name}:{port}" for name in found if name != "localhost")


def _announce(
    parts: House,
    addresses: Callable[[], tuple[str, ...]],
    systemd: service.Service,
    stop: threading.Event,
    quiet_s: Callable[[], float],
) -> None:
    """Tell the kiosk's screen again and again: whichever daemon restarts, the other knows within seconds."""
    while True:
        try:
            parts.kiosk.tell_certificate(parts.identity.ends_at)
            parts.kiosk.announce(addresses(), parts.identity.fingerprint, wants_first=parts.accounts.wants_first())
            parts.audit.count_up()
            parts.audit.settle()
        except KioskError as error:
            log.debug("the kiosk daemon was not told: %s", error)
        parts.jobs.sweep()
        if quiet_s() < MOST_QUIET_S:  # otherwise browsers wait in vain, and systemd starts us anew
            systemd.alive()
        if stop.wait(ANNOUNCE_EVERY_S):
            return


def secret(path: Path) -> bytes:
    """What signs cookies; made once, for this daemon alone."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


def machine_names() -> tuple[str, ...]:
    """This machine's own host names and addresses, as far as it may see them."""
    name = socket.gethostname().lower()
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(name, None, socket.AF_INET)}
    except OSError:
        found = set()
    return (name, f"{name}.local", "localhost", *sorted(address for address in found if not address.startswith("127.")))
