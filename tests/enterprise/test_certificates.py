"""A certificate counts for the kiosk that it was issued for, not for whoever has its name later; the broker hears of it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device.messages import joining as wire
from enterprise import authority, certificates, joining, mosquitto
from enterprise.commands import main as commands
from tests.broker import ADDRESS, Broker
from tests.enterprise.conftest import Office, open_office
from tests.enterprise.kiosk import Kiosk

NAME = "gate-a"
NOW = datetime(2026, 11, 23, 9, 0, 0, 900_000, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Holder:
    """Whoever has a certificate and its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: str

    def renew(self, office: Office, pki: Path, at: datetime) -> Holder:
        key, csr = request()
        signature = self.key.sign(wire.renewal_bytes(NAME, csr), ec.ECDSA(hashes.SHA256()))
        with office.store.transaction() as transaction:
            return Holder(key, joining.renew(transaction, pki, self.certificate, csr, signature, at))


def request() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return key, asked.public_bytes(serialization.Encoding.PEM).decode("ascii")


def certified(office: Office, pki: Path, at: datetime) -> Holder:
    """As `join confirm` does."""
    key, csr = request()
    with office.store.transaction() as transaction:
        return Holder(key, certificates.issue(transaction, pki, NAME, csr, at))


def made_by_hand(_office: Office, pki: Path, at: datetime) -> Holder:
    """As an older version did, or a person: nothing is kept of it."""
    key, csr = request()
    return Holder(key, authority.certify(pki, NAME, csr, at))


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    authority.create(tmp_path / "pki", NOW - HOUR)
    return tmp_path / "pki"


def trust(office: Office, at: datetime) -> None:
    """Another kiosk under the same name, as `join confirm` and `trust --replace` do."""
    with office.store.transaction() as transaction:
        if transaction.trust(NAME, Kiosk().public_key, at) is not None:
            certificates.revoke(transaction, NAME, at)
            transaction.alarm(NAME, "", "key_replaced", 0, "", at)


def distrust(office: Office) -> None:
    words = ["distrust", NAME, "--database", office.store.name]
    assert CliRunner().invoke(commands.daka_enterprise, words).exit_code == 0


@pytest.mark.parametrize("issue", [certified, made_by_hand])
@pytest.mark.parametrize("distrusted", [True, False])
def test_a_stolen_kiosk_is_nobody_though_another_one_has_its_name(
    office: Office, pki: Path, issue: Callable[[Office, Path, datetime], Holder], distrusted: bool
) -> None:
    trust(office, NOW)
    thief = issue(office, pki, NOW)
    if distrusted:
        distrust(office)
        with pytest.raises(joining.JoinError, match="not trusted any more"):
            thief.renew(office, pki, datetime.now(UTC))
    turned = datetime.now(UTC) if distrusted else NOW + HOUR
    trust(office, turned)
    replacement = issue(office, pki, turned)
    with pytest.raises(joining.JoinError, match="from before the kiosk of this name"):
        thief.renew(office, pki, turned + HOUR)
    assert replacement.renew(office, pki, turned + HOUR).renew(office, pki, turned + 2 * HOUR)


def test_a_kiosk_that_never_got_the_answer_renews_with_the_certificate_that_it_has(office: Office, pki: Path) -> None:
    trust(office, NOW)
    kiosk = certified(office, pki, NOW)
    kiosk.renew(office, pki, NOW + HOUR)
    assert kiosk.renew(office, pki, NOW + 2 * HOUR).renew(office, pki, NOW + 3 * HOUR)


def revoked(address: str, pki: Path, *hand_made: Path) -> str:
    words = ["authority", "revoked", *map(str, hand_made), "--dir", str(pki), "--database", address]
    done = CliRunner().invoke(commands.daka_enterprise, words)
    return done.output if done.exit_code == 0 else str(done.exception)


def test_what_is_on_the_list_and_what_is_not(office: Office, pki: Path, tmp_path: Path) -> None:
    trust(office, NOW)
    stolen = x509.load_pem_x509_certificate(certified(office, pki, datetime.now(UTC)).certificate.encode("ascii"))
    over = certified(office, pki, NOW - timedelta(days=1_000))
    assert "0 certificates are on the list" in revoked(office.store.name, pki)
    distrust(office)
    assert "1 certificates are on the list" in revoked(office.store.name, pki)
    listed = x509.load_pem_x509_crl((pki / authority.REVOKED).read_bytes())
    assert listed.get_revoked_certificate_by_serial_number(stolen.serial_number) is not None
    assert (len(listed), over.certificate != "") == (1, True), "one that has ended needs no place on it"
    root = authority.certificate(pki)
    assert listed.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    assert listed.next_update_utc == root.not_valid_after_utc
    strange = authority.create(tmp_path / "other", NOW).certificate
    assert "no certificate of this authority" in revoked(office.store.name, pki, strange)


def admitted(broker: Broker, name: str) -> bool:
    """Whether the broker waits for what the client has to say, or has hung up."""
    issued = broker.certificate_of(name)
    context = ssl.create_default_context(cafile=str(broker.root))
    context.load_cert_chain(issued.certificate, issued.key)
    with socket.create_connection((ADDRESS, broker.port)) as line, context.wrap_socket(line, server_hostname=ADDRESS) as client:
        client.settimeout(1)
        try:
            return client.recv(1) != b""
        except TimeoutError:
            return True
        except ssl.SSLError:
            return False


def test_the_broker_shuts_out_whoever_is_on_the_list_and_nobody_else(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/records.db"
    open_office(address).store.close()
    broker = Broker(tmp_path / "broker")
    broker.prepare(["kiosk-1", "kiosk-2"])
    assert f"crlfile {broker.certificates / authority.REVOKED}" in (broker.folder / mosquitto.CONFIG_NAME).read_text()
    broker.start()
    try:
        assert (admitted(broker, "kiosk-1"), admitted(broker, "kiosk-2")) == (True, True)
        assert "1 certificates" in revoked(address, broker.certificates, broker.certificate_of("kiosk-1").certificate)
        assert "1 certificates" in revoked(address, broker.certificates), "and it stays there"
        broker.stop()
        broker.start()
        assert (admitted(broker, "kiosk-1"), admitted(broker, "kiosk-2")) == (False, True)
    finally:
        broker.stop()
