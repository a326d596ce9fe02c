"""A small certificate authority for tests, the demonstration and small sites: a root, and P-256 certificates for both ends.

A client certificate's common name is the kiosk's name, from which the broker derives its rights. A server's certificate cannot be
used as a client's, nor the other way round. No certificate is ever overwritten, but by a later one of the same key (`renew`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from enterprise import files, names
from enterprise.errors import EnterpriseError

ROOT_LIFE = timedelta(days=3_650)
LEAF_LIFE = timedelta(days=730)
CLOCK_SKEW = timedelta(hours=1)  # a kiosk whose clock is a little behind must not find a certificate of the future
ROOT_NAME = "Daka authority"
ROOT = "root"
BROKER = "broker"
REVOKED = "revoked.pem"


class AuthorityError(EnterpriseError):
    """The authority cannot issue what was asked."""


@dataclass(frozen=True, slots=True)
class Issued:
    """Two PEM files; the key has mode 0600."""

    certificate: Path
    key: Path


def place(folder: Path, name: str) -> Issued:
    """Where the files of `name` lie or will lie."""
    return Issued(folder / f"{name}.pem", folder / f"{name}.key")


def create(folder: Path, now: datetime) -> Issued:
    """A new root in `folder`, and a list of certificates that count no more, on which there is none yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(ROOT_NAME)
    usage = _key_usage(certificates=True)
    builder = _builder(subject, subject, key.public_key(), now, ROOT_LIFE)
    limits = x509.BasicConstraints(ca=True, path_length=0)
    builder = builder.add_extension(limits, critical=True).add_extension(usage, critical=True)
    made = _write(place(folder, ROOT), builder.sign(key, hashes.SHA256()), key)
    write_revoked(folder, {}, now)
    return made


def certificate(folder: Path) -> x509.Certificate:
    """The root's certificate, which needs no key to be read."""
    path = place(folder, ROOT).certificate
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AuthorityError(
            f"{path} is no certificate that can be read; make a root with: daka-enterprise authority init"
        ) from error


def write_revoked(folder: Path, serials: Mapping[int, datetime], now: datetime) -> Path:
    """The list of certificates that the broker takes no more, by serial number; it replaces the one before.

    It is good as long as the root: with a list that has ended a broker takes nobody.
    """
    root, root_key = _read_root(folder)
    builder = x509.CertificateRevocationListBuilder().issuer_name(root.subject)
    builder = builder.last_update(now - CLOCK_SKEW).next_update(root.not_valid_after_utc)
    for serial, at in serials.items():
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
        )
    path = folder / REVOKED
    files.replace(path, builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def issue_server(folder: Path, addresses: Sequence[str], now: datetime) -> Issued:
    """A certificate for the broker, good for `addresses`: names of hosts and IP addresses."""
    if not addresses:
        raise AuthorityError("name at least one host name or IP address under which kiosks reach the broker")
    alternatives = x509.SubjectAlternativeName([_alternative(address) for address in addresses])
    return _issue(folder, BROKER, addresses[0], ExtendedKeyUsageOID.SERVER_AUTH, now, alternatives)


def issue_device(folder: Path, name: str, now: datetime) -> Issued:
    """A client certificate for the kiosk `name`."""
    if not names.is_device(name) or name in (ROOT, BROKER):
        raise AuthorityError(f"{name!r} cannot be a kiosk's name: a-z, 0-9 and hyphens, at most 64, and none of ours")
    return _issue(folder, name, name, ExtendedKeyUsageOID.CLIENT_AUTH, now, None)


def issue_ingester(folder: Path, now: datetime, name: str = names.INGEST) -> Issued:
    """A client certificate for the ingester; each worker of a shared subscription needs a name of its own (`ingest-2` ...)."""
    if not names.is_ingester(name):
        raise AuthorityError(f"{name!r} cannot be an ingester's name: ingest, or ingest- and a number")
    return _issue(folder, name, name, ExtendedKeyUsageOID.CLIENT_AUTH, now, None)


def renew(folder: Path, name: str, now: datetime) -> Issued:
    """A certificate for the same key, names and use, in place of the one that is there."""
    if name == ROOT:
        raise AuthorityError("the root is not renewed: every kiosk that has joined believes just that certificate")
    where = place(folder, name)
    try:
        before, key = _read_pair(where)
    except (OSError, ValueError) as error:
        raise AuthorityError(
            f"there is no certificate {where.certificate} with its key; see: daka-enterprise authority show"
        ) from error
    root, root_key = _read_root(folder)
    (use,) = before.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    builder = _builder_like(before, _leaf(_common_name(before), key.public_key(), root, root_key, use, now, LEAF_LIFE))
    files.replace(where.certificate, builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return where


def _builder_like(before: x509.Certificate, builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    """With the addresses of the one before, where it has any."""
    found = [one for one in before.extensions if isinstance(one.value, x509.SubjectAlternativeName)]
    return builder.add_extension(found[0].value, critical=False) if found else builder


def _common_name(found: x509.Certificate) -> str:
    return str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@dataclass(frozen=True, slots=True)
class Standing:
    """A certificate in the authority's folder: for whom, and until when."""

    name: str
    addresses: tuple[str, ...]
    ends_at: datetime


def standing(folder: Path) -> list[Standing]:
    """Every certificate in the folder, by when it ends; what is none is somebody else's file."""
    found = []
    for path in folder.glob("*.pem"):
        if path.name != REVOKED and (one := _certificate_in(path)) is not None:
            said = [part for part in one.extensions if isinstance(part.value, x509.SubjectAlternativeName)]
            addresses = tuple(str(name.value) for part in said for name in part.value)
            found.append(Standing(path.stem, addresses, one.not_valid_after_utc))
    return sorted(found, key=lambda one: one.ends_at)


def _certificate_in(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        return None


def ingesters(folder: Path) -> tuple[str, ...]:
    """The workers that have a certificate in the folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.pem") if names.is_ingester(path.stem)))


def certify(folder: Path, name: str, request: str, now: datetime, life: timedelta = LEAF_LIFE) -> str:
    """A client certificate, PEM, for the key that signed `request` (PKCS #10, PEM); AuthorityError if that is no such thing."""
    if not names.is_device(name):
        raise AuthorityError(f"{names.shown(name)} cannot be a kiosk's name")
    try:
        asked = x509.load_pem_x509_csr(request.encode("ascii"))
        sound = asked.is_signature_valid
    except (ValueError, TypeError) as error:
        raise AuthorityError("the request for a certificate cannot be read") from error
    key = asked.public_key()
    found = asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not sound or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise AuthorityError("the request for a certificate does not prove a P-256 key")
    if [attribute.value for attribute in found] != [name]:
        raise AuthorityError("the request for a certificate is in another kiosk's name")
    root, root_key = _read_root(folder)
    builder = _leaf(name, key, root, root_key, ExtendedKeyUsageOID.CLIENT_AUTH, now, life)
    return builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode("ascii")


def _leaf(
    common_name: str,
    key: ec.EllipticCurvePublicKey,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    use: x509.ObjectIdentifier,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        _builder(_name(common_name), root.subject, key, now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
    )


def _issue(
    folder: Path,
    file_name: str,
    common_name: str,
    use: x509.ObjectIdentifier,
    now: datetime,
    alternatives: x509.SubjectAlternativeName | None,
) -> Issued:
    root, root_key = _read_root(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _leaf(common_name, key.public_key(), root, root_key, use, now, LEAF_LIFE)
    if alternatives is not None:
        builder = builder.add_extension(alternatives, critical=False)
    return _write(place(folder, file_name), builder.sign(root_key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _read_root(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        return _read_pair(place(folder, ROOT))
    except (OSError, ValueError) as error:
        sentence = f"{folder} holds no usable root; make one with: daka-enterprise authority init --dir {folder}"
        raise AuthorityError(sentence) from error


def _read_pair(where: Issued) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """OSError or ValueError where there is no pair that can be read; AuthorityError for one that is none."""
    certificate = x509.load_pem_x509_certificate(where.certificate.read_bytes())
    key = serialization.load_pem_private_key(where.key.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError(f"{where.key} is not a key that this authority made")
    if key.public_key() != certificate.public_key():
        raise AuthorityError(f"{where.key} is not the key of {where.certificate}; put the right one back")
    return certificate, key


def _write(where: Issued, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    """Both or, where one of them is there, neither: another key beside a certificate would be worse than none.

    The key first: a certificate without its key is worth nothing, and a second attempt says which file is in the way.
    """
    files.must_be_new(where.key, where.certificate)
    form = serialization.PrivateFormat.PKCS8
    files.create(where.key, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()), secret=True)
    files.create(where.certificate, certificate.public_bytes(serialization.Encoding.PEM), secret=False)
    return where
