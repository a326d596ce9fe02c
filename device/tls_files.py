"""The uplink's certificate and key: made here, checked when they come, to be kept in files that are replaced whole."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import NameOID

from device import clock
from device.errors import DeviceError
from device.sentences import say

log = logging.getLogger(__name__)
T = TypeVar("T")

NOT_YET_VALID, EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h); the ssl module has no name for it


class JoinRefused(DeviceError):
    """This kiosk stays what it was; the message says why and what to do."""


def check_certificate(certificate: str, ca: str, device: str, key: ec.EllipticCurvePrivateKey) -> None:
    """JoinRefused unless this authority gave this kiosk, and this key, the certificate."""
    check_issued(certificate, ca, device, key.public_key())


def check_issued(certificate: str, ca: str, device: str, key: PublicKeyTypes) -> None:
    """The same by the public half."""
    try:
        own, authority = (x509.load_pem_x509_certificate(text.encode("ascii")) for text in (certificate, ca))
        own.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise JoinRefused(say("join.authority")) from error
    names = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [device] or own.public_key() != key:
        raise JoinRefused(say("join.other_key"))


def signing_request(device: str, key: ec.EllipticCurvePrivateKey) -> str:
    """A PKCS #10 request for a client certificate, PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode("ascii")


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as a file of mode 0600 holds it."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def trusting(ca: Path, own: Path | None = None, now: datetime | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer, to a server that this authority vouches for, and to no other; OSError where a file cannot be read.

    `own` is our own certificate: a clock that stands before its beginning was never set, and dates are not judged by it.
    """
    context = ssl.create_default_context(cafile=str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if own is not None and is_behind(own, now or datetime.now(UTC)):
        context.verify_flags |= NO_CHECK_TIME
    return context


def once_more(ask: Callable[[ssl.SSLContext], T], context: ssl.SSLContext, is_kept: Callable[[], bool] | None = None) -> T:
    """`ask` over `context`; once more without a look at dates where the other's certificate begins after what the clock says.

    Unless somebody keeps the clock: else it goes on from the last shutdown, and says how late it is at least. That is no reason to
    believe what has ended. `is_kept` is the kernel's word where nobody knows better.
    """
    try:
        return ask(context)
    except (ssl.SSLCertVerificationError, httpx.ConnectError) as error:
        if not _begins_later(error) or (is_kept or clock.kernel_clock_is_synced)():
            raise
    log.warning("a certificate begins after what the clock says, which nobody keeps; dates are not judged by it")
    context.verify_flags |= NO_CHECK_TIME
    return ask(context)


def _begins_later(error: BaseException | None) -> bool:
    """Whatever library has wrapped it."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None and error.verify_code == NOT_YET_VALID


def is_behind(certificate: Path, now: datetime) -> bool:
    """Whether `now` lies before this certificate's beginning."""
    return now < x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_before_utc
