"""The join service: HTTPS for kiosks that join or renew their certificate. It decides nothing that a person has to."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, Response, request, send_from_directory
from werkzeug.exceptions import HTTPException

from device import https
from device.messages.joining import MOST_BYTES
from enterprise import joining, releases, unlocking
from enterprise.errors import EnterpriseError
from enterprise.store import Store, StoreError

log = logging.getLogger(__name__)

THREADS = 8
MOST_DOWNLOADS = 4
CHECK_SAYS = ("device_model", "operating_system", "software_version", "enterprise_id", "network_state")
TIMEOUT_S = 15


class ListenError(EnterpriseError):
    """No kiosk can reach the join service where it should be."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work on: the database, the authority's folder, the root that invitations name, a clock.

    `signs` is the acknowledgement key, without which no share is handed out.
    """

    store: Store
    authority: Path
    root: str
    now: Callable[[], datetime]
    releases: Path | None = None
    signs: Ed25519PrivateKey | None = None


def application(service: Service) -> Flask:
    """The routes; every refusal is one sentence in JSON."""
    app = Flask("daka-join", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.add_url_rule("/v1/ca", "ca", lambda: Response(joining.ca_pem(service.authority), mimetype="application/x-pem-file"))
    app.add_url_rule("/v1/join", "ask", lambda: _ask(service), methods=["POST"])
    app.add_url_rule("/v1/join/<number>", "answer", lambda number: _answer(service, number))
    app.add_url_rule("/v1/renewal", "renew", lambda: _renew(service), methods=["POST"])
    app.add_url_rule("/v1/unlock", "unlock", lambda: _unlock(service), methods=["POST"])
    app.add_url_rule("/v1/upgrade-check", "upgrades", lambda: _offers(service), methods=["POST"])
    giving = threading.BoundedSemaphore(MOST_DOWNLOADS)
    app.add_url_rule("/v1/releases/<channel>/<name>", "release", lambda channel, name: _give(service, giving, channel, name))
    app.register_error_handler(joining.NotConfirmed, lambda _: Response(status=204))
    app.register_error_handler(StoreError, lambda error: _refusal(error, 503))
    app.register_error_handler(EnterpriseError, lambda error: _refusal(error, 403))
    app.register_error_handler(HTTPException, lambda error: _refusal(error, error.code or 500))
    return app


def _ask(service: Service) -> Response:
    with service.store.transaction() as transaction:
        waiting = joining.ask(transaction, request.get_data(), service.root, service.now())
    log.info("%s asks to join; it shows a code: daka-enterprise join list", waiting.device)
    return _json({"id": waiting.id}, 202)


def _answer(service: Service, number: str) -> Response:
    with service.store.transaction() as transaction:
        return Response(joining.answer(transaction, number), mimetype="application/json")


def _renew(service: Service) -> Response:
    asked, signature = _signed("certificate", "csr")
    with service.store.transaction() as transaction:
        certificate = joining.renew(transaction, service.authority, asked["certificate"], asked["csr"], signature, service.now())
    return _json({"certificate": certificate}, 200)


def _unlock(service: Service) -> Response:
    """A kiosk's share; whoever is refused has no alarm, but a line in the log."""
    asked, signature = _signed("certificate", "request")
    if service.signs is None:
        raise joining.JoinError("this join service has no acknowledgement.key in its --keys folder to sign a share with")
    brought = unlocking.Proven(asked["certificate"], _bytes(asked["request"]), signature)
    with service.store.transaction() as transaction:
        answer = unlocking.hand_out(transaction, service.authority, service.signs, brought, service.now())
    log.warning("a share was handed out: daka-enterprise show alarms")
    return Response(answer, mimetype="application/json")


def _signed(*names: str) -> tuple[dict[str, str], bytes]:
    """The named texts of the body, and the signature beside them."""
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict) or not all(isinstance(asked.get(name), str) for name in (*names, "signature")):
        raise joining.JoinError(f"the request has {', '.join(names)} and signature")
    return asked, _bytes(asked["signature"])


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise joining.JoinError("the request is no base64") from error


def _offers(service: Service) -> Response:
    """What is offered, whoever asks: a kiosk says five things of itself, and picks what fits it by itself."""
    said = request.get_json(silent=True)
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in CHECK_SAYS):
        raise joining.JoinError(f"an upgrade check says {', '.join(CHECK_SAYS)}")
    log.info("upgrade check: %s", ", ".join(f"{name} {said[name][:64]!r}" for name in CHECK_SAYS))
    found = releases.offered(service.releases, service.now()) if service.releases else ()
    return _json({"releases": [dataclasses.asdict(one) for one in found]}, 200)


def _give(service: Service, giving: threading.BoundedSemaphore, channel: str, name: str) -> Response:
    """A release or its signature, from where a kiosk broke off; so many at once, so that joining is never kept waiting."""
    place = service.releases / channel if service.releases and releases.CHANNEL.fullmatch(channel) else None
    if place is None or not releases.NAME.fullmatch(name.removesuffix(releases.SUFFIX)):
        return _json({"error": "nothing of that name is offered"}, 404)
    if not giving.acquire(blocking=False):
        return _json({"error": "others are being served; ask again later"}, 503)
    try:
        answer = send_from_directory(place.absolute(), name, conditional=True, mimetype="application/octet-stream")
    except BaseException:
        giving.release()
        raise
    answer.direct_passthrough = False  # or the server is handed the bare file, and nobody hears that it was closed
    answer.call_on_close(giving.release)
    return answer


def _json(value: dict[str, Any], code: int) -> Response:
    return Response(json.dumps(value), status=code, mimetype="application/json", headers={"Cache-Control": "no-store"})


def _refusal(error: Exception, code: int) -> Response:
    said = error.description if isinstance(error, HTTPException) else str(error)
    return _json({"error": said or type(error).__name__}, code)


def server(app: Flask, address: str, port: int, certificate: Path, key: Path) -> https.Server:
    """HTTPS with the certificate that the authority gave this host; TLS 1.2 or newer."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    listener = _listener(address, port)
    secrets = https.Secrets(certificate, key, context)
    return https.Server(listener, app, secrets, https.Bounds(THREADS, TIMEOUT_S, 4 * MOST_BYTES))


def _listener(address: str, port: int) -> socket.socket:
    """At an address, or at that of a host's name; the IPv4 one if it has both. `::` is every address of both kinds."""
    try:
        found = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, place = min(found, key=lambda one: one[0] != socket.AF_INET)
        both = place[0] == "::" and socket.has_dualstack_ipv6()  # the kernel's default is one machine's setting
        return socket.create_server(place, family=family, backlog=64, dualstack_ipv6=both)
    except OSError as error:
        raise ListenError(
            f"nothing can listen at {address} port {port} ({error.strerror}); name an address of this machine with --listen"
        ) from error
