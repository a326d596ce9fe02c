"""The uplink fetches the share that unlocks the kiosk's templates. It carries what it can neither read nor make."""

from __future__ import annotations

import base64
import json
import logging
import random
import ssl
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from device import api, tls_files
from device.errors import DeviceError
from device.messages import unlock
from device.sentences import say

log = logging.getLogger(__name__)

LOOK_S = 2.0  # the kiosk daemon may restart at any time, and whoever stands before it waits
MOST_PAUSE_S = 30.0
TIMEOUT_S = 10.0


class ShareNotGiven(DeviceError):
    """The server did not hand the share out; the message says why."""


def keep(client: api.UplinkClient, url: str, ca: Path, identity: Path, stop: threading.Event) -> None:
    """Until `stop`: whenever the kiosk daemon asks for its share, fetch it; what fails is said to it and tried again."""
    failures = 0
    while not stop.is_set():
        try:
            asked = client.unlock_request()
            if asked is not None:
                client.unlock(fetch(url, ca, identity, asked))
            failures = 0
        except api.KioskAway:
            failures = 0
        except (ShareNotGiven, api.KioskError) as error:
            failures += 1
            with suppress(api.KioskError):
                client.unlock_failed(str(error))
        stop.wait(LOOK_S if not failures else min(LOOK_S * 2.0 ** min(failures, 10), MOST_PAUSE_S) * random.uniform(0.5, 1.0))


def fetch(url: str, ca: Path, identity: Path, asked: bytes, now: datetime | None = None) -> bytes:
    """The sealed and signed share, for the certificate and key in `identity`; ShareNotGiven says why not."""
    try:
        pem = identity.read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        certificate = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.PEM).decode("ascii")
        context = tls_files.trusting(ca, identity, now)
    except (OSError, ValueError) as error:
        raise ShareNotGiven(say("unlock.certificate", why=type(error).__name__)) from error
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    proof = key.sign(unlock.proof_bytes(asked), ec.ECDSA(hashes.SHA256()))
    body = {
        "certificate": certificate,
        "request": base64.b64encode(asked).decode("ascii"),
        "signature": base64.b64encode(proof).decode("ascii"),
    }

    def ask(over: ssl.SSLContext) -> httpx.Response:
        with httpx.Client(base_url=url, verify=over, timeout=TIMEOUT_S, trust_env=False) as http:
            return http.post("/v1/unlock", json=body)

    try:
        response = tls_files.once_more(ask, context)
        found = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ShareNotGiven(say("unlock.no_answer", url=url, why=type(error).__name__)) from error
    if response.is_error or not isinstance(found, dict) or "share" not in found:
        said = found.get("error") if isinstance(found, dict) else ""
        raise ShareNotGiven(say("unlock.no_share", why=said or response.status_code))
    return response.content
