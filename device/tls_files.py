"""The uplink's certificate and key: made here, checked when they come, to be kept in files that are replaced whole."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device.errors import DeviceError


class JoinRefused(DeviceError):
    """This kiosk stays what it was; the message says why and what to do."""


def check_certificate(certificate: str, ca: str, device: str, key: ec.EllipticCurvePrivateKey) -> None:
    """JoinRefused unless this authority gave this kiosk, and this key, the certificate."""
    try:
        own, authority = (x509.load_pem_x509_certificate(text.encode("ascii")) for text in (certificate, ca))
        own.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise JoinRefused("the certificate does not come from the authority that was sent with it") from error
    names = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [device] or own.public_key() != key.public_key():
        raise JoinRefused("the certificate is for another kiosk, or for another key than the one made here")


def signing_request(device: str, key: ec.EllipticCurvePrivateKey) -> str:
    """A PKCS #10 request for a client certificate, PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode("ascii")


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as a file of mode 0600 holds it."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
