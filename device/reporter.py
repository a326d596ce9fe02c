"""The uplink tells the kiosk daemon what it alone can see: the way out, its certificate's end, whether the server answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from cryptography import x509

from device import api, link, messages

log = logging.getLogger(__name__)

EVERY_S = 30.0


def keep(client: api.UplinkClient, certificate: Path, is_connected: Callable[[], bool], stop: threading.Event) -> None:
    """A report now and then, until `stop`; a kiosk daemon that is away hears the next one."""
    while True:
        try:
            client.report(api.UplinkReport(link.look(), ends_at(certificate), is_connected()))
        except api.KioskError as error:
            log.debug("the kiosk daemon was not told: %s", error)
        if stop.wait(EVERY_S):
            return


def ends_at(certificate: Path) -> str:
    """When it ends, RFC 3339; empty for one that cannot be read: whoever connects with it says so."""
    try:
        return messages.write_time(x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc)
    except (OSError, ValueError):
        return ""
