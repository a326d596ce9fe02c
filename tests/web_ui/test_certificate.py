"""The enterprise's certificate: browsers that ask for a name of it find these pages, and the kiosk's screen says that name."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device import api, state
from tests.web_ui import running
from tests.web_ui.running import Office
from web_ui import daemon, tls

NAME = "kiosk.corp.example"


@pytest.fixture(scope="module")
def enterprises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Both daemons, with a certificate that is not of their making."""
    root = tmp_path_factory.mktemp("certificate")
    issued = tls.identity(root / "issued", (NAME, "*.corp.example", "Daka.Corp.example"), None, None)
    folder = state.Folder(root / "state")
    running.seed(folder, 1, 1)
    with folder.config.open("a", encoding="utf-8") as config:  # [web] stands last in it
        config.write(f'certificate = "{issued.certificate}"\nkey = "{issued.key}"\n')
    office = Office(folder, 0, {}, root)
    try:
        office.start("kiosk")
        office.start("web")
        running.until("the screen knows the web UI", lambda: bool(addresses(office)))
        yield office
    finally:
        for name in list(office.processes):
            office.stop(name)


def addresses(office: Office) -> tuple[str, ...]:
    """As the kiosk's screen has them."""
    with contextlib.suppress(api.KioskError, OSError), office.admin() as client:
        return client.web_notice().addresses
    return ()


def test_the_screen_says_the_names_of_the_certificate_first(enterprises: Office) -> None:
    first, second, *rest = addresses(enterprises)
    assert first.startswith(f"https://{NAME}:")
    assert second.startswith("https://daka.corp.example:")
    assert not [one for one in rest if "*" in one], "a pattern is no name"


def test_of_a_shared_certificate_this_kiosks_names_come_first_and_another_kiosks_last() -> None:
    shared = ("gate-1.corp.example", "gate-2.corp.example")
    own = ("gate-2", "gate-2.local", "localhost")
    assert daemon.in_order(shared, own) == ("gate-2.corp.example", *own, "gate-1.corp.example")
    assert daemon.in_order(shared, ("vm",)) == (*shared, "vm"), "none of them says whose it is"


def test_a_certificate_with_names_that_cannot_be_read_names_nobody(tmp_path: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kiosk")])
    damaged = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"no names at all")
    made = x509.CertificateBuilder(whose, whose, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    path = tmp_path / "damaged.pem"
    path.write_bytes(
        made.add_extension(damaged, critical=False).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    assert tls.identity(tmp_path, (), path, tmp_path / "key").names == ()


@pytest.mark.parametrize(("host", "answered"), [(NAME, 200), ("DAKA.corp.example", 200), ("other.corp.example", 400)])
def test_a_browser_asks_for_a_name_of_the_certificate_and_for_no_other(enterprises: Office, host: str, answered: int) -> None:
    """With nothing else set: web.names is for what stands in no certificate."""
    port = addresses(enterprises)[0].rpartition(":")[2]
    trusting = ssl.create_default_context(cafile=str(enterprises.logs / "issued" / "tls.pem"))
    with httpx.Client(verify=trusting, trust_env=False, timeout=30.0) as browser:
        headers, named = {"Host": f"{host}:{port}"}, {"sni_hostname": NAME}
        assert browser.get(f"https://127.0.0.1:{port}/first", headers=headers, extensions=named).status_code == answered
