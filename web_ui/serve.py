"""The web UI's HTTPS, on a socket of our own or one that systemd hands over."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from device import https
from web_ui.errors import WebError
from web_ui.tls import Identity, context

THREADS = 8
TIMEOUT_S = 20  # for the handshake, headers and form together, and for each piece of a larger body; longer answers are work beside
MOST_BODY_BYTES = 4 * 1024**3  # a backup, a release; the application holds every other form to far less, and says so in a page
MOST_AT_ALL_BYTES = 4 * MOST_BODY_BYTES  # beyond that nobody listens to the end


class ListenError(WebError):
    """Nobody can reach the web UI where it should be."""


def listener(address: str, port: int, passed: socket.socket | None) -> socket.socket:
    """The socket that systemd passed, or a new one."""
    if passed is not None:
        return passed
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=64)
    except OSError as error:
        raise ListenError(
            f"nothing can listen at {address} port {port} ({error.strerror}); choose another with web.port"
        ) from error


def server(found: socket.socket, application: Callable[..., Any], identity: Identity) -> https.Server:
    """A server that is started with `safe_start` and ended with `stop`."""
    secrets = https.Secrets(identity.certificate, identity.key, context(identity))
    return https.Server(found, application, secrets, https.Bounds(THREADS, TIMEOUT_S, MOST_AT_ALL_BYTES))
