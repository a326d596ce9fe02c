"""The uplink's certificate is renewed when two thirds of its life are over, with a fresh key; the old key proves who asks.

The service is known by the same authority as the broker. What does not fit is not taken, and the old certificate stays.
"""

from __future__ import annotations

import base64
import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from device import durable, tls_files
from device.messages import joining
from device.tls_files import JoinRefused

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0


def due(identity: Path, now: datetime) -> bool:
    """Whether two thirds of the certificate's life are over. A clock before its beginning decides nothing."""
    own = x509.load_pem_x509_certificate(identity.read_bytes())
    begins, ends = own.not_valid_before_utc, own.not_valid_after_utc
    return now >= begins + (ends - begins) * 2 / 3


def renew(url: str, ca: Path, identity: Path, device: str) -> datetime:
    """A new certificate and key in place of the old; until when it is good. JoinRefused leaves everything as it was."""
    pem = identity.read_bytes()
    old_key = serialization.load_pem_private_key(pem, None)
    assert isinstance(old_key, ec.EllipticCurvePrivateKey)
    before = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.PEM).decode("ascii")
    fresh = ec.generate_private_key(ec.SECP256R1())
    csr = tls_files.signing_request(device, fresh)
    signature = old_key.sign(joining.renewal_bytes(device, csr), ec.ECDSA(hashes.SHA256()))
    asked = {"certificate": before, "csr": csr, "signature": base64.b64encode(signature).decode("ascii")}
    certificate = _ask(url, ca, asked)
    tls_files.check_certificate(certificate, ca.read_text(encoding="ascii"), device, fresh)
    durable.keep(identity, certificate.encode("ascii") + tls_files.private_pem(fresh))
    ends = x509.load_pem_x509_certificate(certificate.encode("ascii")).not_valid_after_utc
    log.info("the certificate was renewed; it is good until %s", ends.date())
    return ends


def _ask(url: str, ca: Path, asked: dict[str, str]) -> str:
    def ask(over: ssl.SSLContext) -> httpx.Response:
        with httpx.Client(base_url=url, verify=over, timeout=TIMEOUT_S, trust_env=False) as http:
            return http.post("/v1/renewal", json=asked)

    context = tls_files.trusting(ca)
    try:
        response = tls_files.once_more(ask, context)
        found = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise JoinRefused(f"the certificate could not be renewed at {url} ({type(error).__name__})") from error
    if response.is_error or not isinstance(found, dict) or not isinstance(found.get("certificate"), str):
        said = found.get("error") if isinstance(found, dict) else ""
        raise JoinRefused(f"the certificate could not be renewed at {url}: {said or response.status_code}")
    return str(found["certificate"])


def now() -> datetime:
    """The machine's clock: TLS itself goes by it."""
    return datetime.now(UTC)
