"""The join service: HTTPS for kiosks that join or renew their certificate. It decides nothing that a person has to."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from device.messages.joining import MOST_BYTES
from enterprise import joining
from enterprise.errors import EnterpriseError
from enterprise.store import Store, StoreError

log = logging.getLogger(__name__)

THREADS = 8
TIMEOUT_S = 15


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work on: the database, the authority's folder, the root that invitations name, a clock."""

    store: Store
    authority: Path
    root: str
    now: Callable[[], datetime]


def application(service: Service) -> Flask:
    """The routes; every refusal is one sentence in JSON."""
    app = Flask("daka-join", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.add_url_rule("/v1/ca", "ca", lambda: Response(joining.ca_pem(service.authority), mimetype="application/x-pem-file"))
    app.add_url_rule("/v1/join", "ask", lambda: _ask(service), methods=["POST"])
    app.add_url_rule("/v1/join/<number>", "answer", lambda number: _answer(service, number))
    app.add_url_rule("/v1/renewal", "renew", lambda: _renew(service), methods=["POST"])
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
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict) or not all(isinstance(asked.get(name), str) for name in ("certificate", "csr", "signature")):
        raise joining.JoinError("a renewal has certificate, csr and signature")
    try:
        signature = base64.b64decode(asked["signature"], validate=True)
    except (ValueError, binascii.Error) as error:
        raise joining.JoinError("the signature is no base64") from error
    with service.store.transaction() as transaction:
        certificate = joining.renew(transaction, service.authority, asked["certificate"], asked["csr"], signature, service.now())
    return _json({"certificate": certificate}, 200)


def _json(value: dict[str, str], code: int) -> Response:
    return Response(json.dumps(value), status=code, mimetype="application/json", headers={"Cache-Control": "no-store"})


def _refusal(error: Exception, code: int) -> Response:
    said = error.description if isinstance(error, HTTPException) else str(error)
    return _json({"error": said or type(error).__name__}, code)


def server(app: Flask, address: str, port: int, certificate: Path, key: Path) -> wsgi.Server:
    """HTTPS with the certificate that the authority gave this host; TLS 1.2 or newer."""
    made = wsgi.Server((address, port), app, numthreads=THREADS, timeout=TIMEOUT_S, server_name="daka")
    made.ssl_adapter = BuiltinSSLAdapter(str(certificate), str(key))
    made.ssl_adapter.context.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
