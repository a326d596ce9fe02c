"""The certificate that browsers see: the enterprise's, or one made at the first start whose fingerprint the kiosk shows."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from device import messages
from web_ui.errors import CertificateError

GOOD_FOR = timedelta(days=820)  # some browsers refuse more than 825
RENEW_BEFORE = timedelta(days=60)
BACKDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """Certificate and key files, and the SHA-256 fingerprint as browsers show it."""

    certificate: Path
    key: Path
    fingerprint: str
    own_making: bool

    @property
    def ends_at(self) -> str:
        """When the certificate ends, RFC 3339 in UTC."""
        return messages.write_time(_read(self.certificate).not_valid_after_utc)

    @property
    def names(self) -> tuple[str, ...]:
        """For which host names the enterprise issued it, in lower case; a pattern such as *.corp.example is none."""
        if self.own_making:
            return ()
        # one that browsers may understand and this library does not is no reason to answer nobody
        with contextlib.suppress(x509.ExtensionNotFound, x509.UnsupportedGeneralNameType, ValueError):
            found = _read(self.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
            issued = found.value.get_values_for_type(x509.DNSName)
            return tuple(name.lower() for name in issued if "*" not in name)
        return ()


def identity(folder: Path, names: tuple[str, ...], certificate: Path | None, key: Path | None) -> Identity:
    """The enterprise's pair if it is named, else our own, made when there is none or when it is about to end."""
    if certificate and key:
        return Identity(certificate, key, _fingerprint(_read(certificate)), own_making=False)
    if certificate or key:
        raise CertificateError("web.certificate and web.key belong together; set both, or neither for a certificate of our own")
    pair = folder / "tls.pem", folder / "tls.key"
    if not all(path.exists() for path in pair) or _read(pair[0]).not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE:
        _make(*pair, names)
    return Identity(*pair, _fingerprint(_read(pair[0])), own_making=True)


def context(found: Identity) -> ssl.SSLContext:
    """TLS 1.2 with forward secrecy or 1.3, nothing older; CertificateError if the pair cannot be loaded."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        made.load_cert_chain(found.certificate, found.key)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(
            f"{found.certificate} and {found.key} cannot be used together ({error}); both are PEM, the key without a password"
        ) from error
    return made


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"{path} cannot be read as a PEM certificate ({error})") from error


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _make(certificate_file: Path, key_file: Path, names: tuple[str, ...]) -> None:
    """A self-signed pair for these names and addresses."""
    key, at = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + GOOD_FOR - BACKDATED)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    _write(key_file, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
