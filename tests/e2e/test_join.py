"""A kiosk joins over HTTPS and by file, follows its enterprise's keys, renews its certificate, and belongs to nobody else."""

from __future__ import annotations

import dataclasses
import itertools
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import (
    carrying,
    config,
    durable,
    identity,
    joining,
    keys,
    membership,
    messages,
    people,
    renewal,
    state,
    tls_files,
    trust,
)
from device.commands import main as daka
from device.commands import reach, run_uplink
from device.commands.context import Context
from device.commands.joining_on_files import OnFiles
from device.tls_files import JoinRefused
from enterprise import authority, downlink, locks
from enterprise import joining as office
from enterprise.commands import main as commands
from tests.device import parts
from tests.inviting import BROKER, House

NOW = datetime.now(UTC)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="daka-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, House]]:
    folder = tmp_path_factory.mktemp("houses")
    made = House(folder), House(folder, "stranger")
    yield made
    for one in made:
        one.close()


@pytest.fixture
def house(houses: tuple[House, House]) -> House:
    return houses[0]


@pytest.fixture
def stranger(houses: tuple[House, House]) -> House:
    return houses[1]


NUMBERS = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Kiosk(state.Folder):
    """A state folder whose kiosk has a name of its own."""

    name: str = ""


@pytest.fixture
def kiosk(folder: Path) -> Kiosk:
    made = Kiosk(folder / "kiosk", name=f"kiosk-{next(NUMBERS)}")
    made.root.mkdir()
    made.config.write_text(f'[device]\nid = "{made.name}"\n', encoding="utf-8")
    return made


def daka_says(kiosk: Kiosk, *words: str) -> str:
    done = CliRunner().invoke(daka.daka, ["--state", str(kiosk.root), *words])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def refusal(kiosk: Kiosk, *words: str) -> str:
    return str(CliRunner().invoke(daka.daka, ["--state", str(kiosk.root), *words]).exception)


def join(kiosk: Kiosk, house: House, *more: str) -> membership.Membership:
    """What `daka join` does, the code compared and confirmed meanwhile."""
    with reach.joining(main_context(kiosk)) as asked:
        assert isinstance(asked, OnFiles)
        asked.join(house.invite(kiosk.name), "test")
        for stage in ("waiting", "waiting"):  # the key is made, then the request handed in
            found = asked.joining()
            assert (found.stage, found.why) == (stage, "")
        house.confirm(found.code, *more)
        assert asked.joining().stage == "none"
    joined = membership.read(kiosk.enterprise)
    assert joined is not None
    return joined


def main_context(kiosk: Kiosk) -> Context:
    return Context(kiosk)


def settings_of(kiosk: Kiosk) -> config.Config:
    return main_context(kiosk).config()


def place_of(kiosk: Kiosk) -> identity.Place:
    return identity.Place(kiosk.root)


def requested(kiosk: Kiosk, invitation: messages.Invitation) -> bytes:
    """A request of this kiosk, with a key that its uplink would make."""
    number = secrets.token_hex(8)
    return joining.request(kiosk, kiosk.name, invitation, identity.ask(place_of(kiosk), number, kiosk.name))


def test_a_kiosk_joins_over_https_and_its_settings_are_ready(house: House, kiosk: Kiosk) -> None:
    command = [sys.executable, "-m", "device.commands.main", "--state", str(kiosk.root), "join", house.invite(kiosk.name)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    code = process.stdout.readline().split()[1].rstrip(":")
    deadline = time.monotonic() + 30
    while code not in [one.code for one in house.waiting()]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    house.confirm(code)
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 0, said
    settings = settings_of(kiosk).uplink
    assert (settings.enabled, settings.host, settings.port, settings.renew_url) == (True, "mqtt.example", 8883, house.url)
    certificate = kiosk.root / settings.certificate
    own = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert own.subject.rfc4514_string() == f"CN={kiosk.name}"
    assert certificate.stat().st_mode & 0o777 == 0o600
    believed = trust.Trust(kiosk.enterprise, settings)
    assert believed.root == house.root
    assert len(believed.keys("acknowledgement")) == len(believed.keys("policy")) == 1
    with house.store.reading() as connection:
        query = "SELECT d.key, s.sealing_key FROM device d JOIN kiosk_side s ON s.device = d.name WHERE d.name = ?"
        rows = list(connection.exec_driver_sql(query, (kiosk.name,)))
    journal, sealing = keys.journal_key(kiosk.keys), keys.sealing_key(kiosk.keys)
    assert rows == [(messages.public_key_text(journal), messages.sealing_key_text(sealing))]


def test_who_joins_is_given_what_is_wanted_of_every_kiosk(house: House, kiosk: Kiosk) -> None:
    wanting = ("--keys", str(house.keys), "--database", house.database)
    house.run("desired", "policy", "attend.min_gap_s=90.0", *wanting)
    join(kiosk, house)
    with house.store.reading() as connection:
        assert kiosk.name not in downlink.unsigned(connection)
        (page,) = [one for one in downlink.unsent(house.store) if one.device == kiosk.name]
    assert page.payload


def test_without_an_address_to_renew_at_nobody_is_let_in_but_by_file(house: House, kiosk: Kiosk) -> None:
    asked = requested(kiosk, messages.read_invitation(house.invite(kiosk.name)))
    with house.store.transaction() as transaction:
        office.ask(transaction, asked, house.root, NOW)
        transaction.connection.exec_driver_sql("DELETE FROM invitation_url")  # as of a version that did not keep it
    words = ["join", "confirm", messages.join_code(asked), "--broker", BROKER, *house.where]
    assert "--url https://HOST:PORT" in str(CliRunner().invoke(commands.daka_enterprise, words).exception)
    house.confirm(messages.join_code(asked), "--url", house.url)


def test_by_file_nothing_but_the_code_has_to_be_spoken(house: House, kiosk: Kiosk, folder: Path) -> None:
    invitation = house.run("join", "invite", kiosk.name, *house.where)
    assert "--request FILE" in refusal(kiosk, "join", invitation)
    said = daka_says(kiosk, "join", invitation, "--request", str(folder / "request"))
    code = said.split()[1].rstrip(":")
    words = ("join", "take", str(folder / "request"), str(folder / "answer"), "--broker", BROKER, *house.where)
    wrong = CliRunner().invoke(commands.daka_enterprise, [*words, "--code", "AAAA-AAAA-AAAA"])
    assert "the code is not that of this request" in str(wrong.exception)
    assert not (folder / "answer").exists()
    house.run(*words, "--code", code)
    assert "of the enterprise" in daka_says(kiosk, "join", "--answer", str(folder / "answer"))
    assert settings_of(kiosk).uplink.enabled


def test_a_request_that_was_changed_on_its_way_shows_another_code_and_proves_nothing(house: House, kiosk: Kiosk) -> None:
    invitation = messages.read_invitation(house.invite(kiosk.name))
    asked = requested(kiosk, invitation)
    plain = messages.parse(asked)
    changed = messages.canonical(plain | {"sealing_key": messages.sealing_key_text(keys.sealing_key(kiosk.root / "other"))})
    assert messages.join_code(changed) != messages.join_code(asked)
    with house.store.transaction() as transaction, pytest.raises(office.JoinError, match="refused"):
        office.ask(transaction, changed, house.root, NOW)


def test_an_invitation_is_good_once_and_for_its_kiosk(house: House, kiosk: Kiosk, folder: Path) -> None:
    invitation = messages.read_invitation(house.invite(kiosk.name))
    assert f"is for {kiosk.name}" in str_of(lambda: joining.check_name("kiosk-other", invitation))
    ask(house, kiosk, invitation)
    second = Kiosk(folder / "second", name=kiosk.name)
    assert "used" in str_of(lambda: ask(house, second, invitation))
    assert "unknown" in str_of(lambda: ask(house, second, dataclasses.replace(invitation, token="x" * 32)))


def ask(house: House, kiosk: Kiosk, invitation: messages.Invitation) -> None:
    asked = requested(kiosk, invitation)
    with house.store.transaction() as transaction:
        office.ask(transaction, asked, house.root, NOW)


def str_of(do: object) -> str:
    with pytest.raises((JoinRefused, office.JoinError)) as caught:
        do()  # type: ignore[operator]
    return str(caught.value)


def test_an_invitation_ends(house: House, kiosk: Kiosk) -> None:
    asked = requested(kiosk, messages.read_invitation(house.invite(kiosk.name)))
    with house.store.transaction() as transaction, pytest.raises(office.JoinError, match="over"):
        office.ask(transaction, asked, house.root, datetime.now(UTC) + timedelta(hours=25))


def test_somebody_else_at_the_address_is_sent_nothing(house: House, stranger: House, kiosk: Kiosk) -> None:
    text = messages.write_invitation(dataclasses.replace(messages.read_invitation(house.invite(kiosk.name)), url=stranger.url))
    assert "is not the enterprise of the invitation" in refusal(kiosk, "join", text)
    assert stranger.waiting() == []


def test_an_answer_of_another_enterprise_or_for_another_request_changes_nothing(
    house: House, stranger: House, kiosk: Kiosk
) -> None:
    asked = requested(kiosk, messages.read_invitation(house.invite(kiosk.name)))
    with house.store.transaction() as transaction:
        office.ask(transaction, asked, house.root, NOW)
    theirs = office.Enterprise(
        stranger.pki, policy_of(stranger), json.loads((stranger.keys / "key-set.json").read_text()), "evil.example", 8883, ""
    )
    with house.store.transaction() as transaction:
        answer = office.confirm(transaction, messages.join_code(asked), theirs, "x", datetime.now(UTC))
    assert "another enterprise's" in error_of(lambda: joining.membership_of(kiosk, asked, answer))
    other = requested(kiosk, messages.read_invitation(house.invite(kiosk.name)))
    assert "does not open" in error_of(lambda: joining.membership_of(kiosk, other, answer))
    assert "does not open" in error_of(lambda: joining.membership_of(kiosk, asked, b'{"sealed":"AAAA"}'))
    assert not kiosk.enterprise.exists()
    assert not settings_of(kiosk).uplink.enabled


def error_of(do: object) -> str:
    with pytest.raises((messages.MessageError, JoinRefused)) as caught:
        do()  # type: ignore[operator]
    return str(caught.value)


def policy_of(house: House) -> Ed25519PrivateKey:
    return messages.private_key_from_seed((house.keys / "policy.key").read_bytes())


def consenting(kiosk: Kiosk) -> None:
    daka_says(kiosk, "people", "add", "1001", "Ada", "--language", "en")
    daka_says(kiosk, "people", "consent", "1001", "--yes")
    assert has_consent(kiosk)


def has_consent(kiosk: Kiosk) -> bool:
    directory = people.Directory(kiosk.people, keys.wrapping_key(kiosk.keys))
    (person,) = directory.list()
    directory.close()
    return person.has_consent


def test_joining_another_enterprise_is_asked_for_and_destroys_every_template(
    house: House, stranger: House, kiosk: Kiosk, folder: Path
) -> None:
    join(kiosk, house)
    consenting(kiosk)
    invitation = stranger.run("join", "invite", kiosk.name, *stranger.where)
    assert "belongs to another enterprise" in refusal(kiosk, "join", invitation)
    code = daka_says(kiosk, "join", invitation, "--replace", "--request", str(folder / "request")).split()[1].rstrip(":")
    words = ("join", "take", str(folder / "request"), str(folder / "answer"), "--broker", BROKER, "--code", code)
    stranger.run(*words, *stranger.where)
    assert has_consent(kiosk)
    daka_says(kiosk, "join", "--answer", str(folder / "answer"))
    assert not has_consent(kiosk)
    assert trust.Trust(kiosk.enterprise, config.Uplink()).root == stranger.root


def test_leaving_destroys_templates_and_believes_nobody(house: House, kiosk: Kiosk) -> None:
    join(kiosk, house)
    consenting(kiosk)
    daka_says(kiosk, "leave", "--yes")
    assert not has_consent(kiosk)
    assert not settings_of(kiosk).uplink.enabled
    assert trust.Trust(kiosk.enterprise, config.Uplink()).keys("policy") == ()
    assert not place_of(kiosk).identity.exists()


def test_a_kiosk_that_was_reset_needs_a_word_and_leaves_a_trace(house: House, kiosk: Kiosk, folder: Path) -> None:
    join(kiosk, house)
    with house.store.transaction() as transaction:
        locks.add(transaction, "LOCK-RESET", messages.public_key_text(Ed25519PrivateKey.generate()), "hr", NOW)
        locks.enrol(transaction, "LOCK-RESET", kiosk.name, "", int(NOW.timestamp()) + 86_400)
    again = Kiosk(folder / "reset", name=kiosk.name)
    asked = requested(again, messages.read_invitation(house.invite(again.name)))
    with house.store.transaction() as transaction:
        office.ask(transaction, asked, house.root, NOW)
    words = ["join", "confirm", messages.join_code(asked), "--broker", BROKER, *house.where]
    assert "was it reset" in str(CliRunner().invoke(commands.daka_enterprise, words).exception)
    house.confirm(messages.join_code(asked), "--replace")
    with house.store.reading() as connection:
        alarms = list(connection.exec_driver_sql("SELECT kind FROM alarm WHERE device = ?", (kiosk.name,)))
        assert not locks.enrolled(connection, "LOCK-RESET"), "the one before may be stolen"
    assert alarms == [("key_replaced",)]
    with pytest.raises(JoinRefused, match="before the kiosk of this name was distrusted or replaced"):
        renewal.renew(house.url, place_of(kiosk).ca, place_of(kiosk).identity, kiosk.name)


def test_a_certificate_is_renewed_with_a_fresh_key_when_two_thirds_of_its_life_are_over(house: House, kiosk: Kiosk) -> None:
    join(kiosk, house)
    place = place_of(kiosk)
    before = x509.load_pem_x509_certificate(place.identity.read_bytes())
    life = before.not_valid_after_utc - before.not_valid_before_utc
    assert not renewal.due(place.identity, before.not_valid_before_utc + life * 0.66)
    assert renewal.due(place.identity, before.not_valid_before_utc + life * 0.67)
    assert not renewal.due(place.identity, datetime(1970, 1, 1, tzinfo=UTC))
    renewal.renew(house.url, place.ca, place.identity, kiosk.name)
    after = x509.load_pem_x509_certificate(place.identity.read_bytes())
    assert after.serial_number != before.serial_number
    assert after.public_key() != before.public_key()


def test_the_uplink_renews_by_itself_and_ends_to_be_started_with_the_new_one(house: House, kiosk: Kiosk) -> None:
    join(kiosk, house)
    place = place_of(kiosk)
    key = serialization.load_pem_private_key(place.identity.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    csr = tls_files.signing_request(kiosk.name, key)
    old = authority.certify(house.pki, kiosk.name, csr, now - timedelta(days=20), timedelta(days=25))
    durable.keep(place.identity, old.encode("ascii") + tls_files.private_pem(key))
    broker, stop = carrying.read(kiosk.config, None, kiosk.enterprise).broker(kiosk.root), threading.Event()
    run_uplink._keep_certificate(house.url, broker, kiosk.name, stop)
    assert stop.is_set()
    after = x509.load_pem_x509_certificate(place.identity.read_bytes())
    assert after.not_valid_after_utc - now > timedelta(days=600)


def test_a_kiosk_that_is_not_trusted_any_more_gets_no_new_certificate(house: House, kiosk: Kiosk) -> None:
    join(kiosk, house)
    with house.store.transaction() as transaction:
        transaction.connection.exec_driver_sql("DELETE FROM device WHERE name = ?", (kiosk.name,))
    place = place_of(kiosk)
    before = place.identity.read_bytes()
    with pytest.raises(JoinRefused, match="not trusted any more"):
        renewal.renew(house.url, place.ca, place.identity, kiosk.name)
    with pytest.raises(JoinRefused, match="InvalidURL"):
        renewal.renew("https://host:port", place.ca, place.identity, kiosk.name)
    assert place.identity.read_bytes() == before


def test_a_renewal_for_another_kiosk_or_with_another_key_is_refused(house: House, kiosk: Kiosk) -> None:
    join(kiosk, house)
    place = place_of(kiosk)
    with pytest.raises(JoinRefused, match="does not prove"):
        renewal.renew(house.url, place.ca, place.identity, "kiosk-other")
    other = ec.generate_private_key(ec.SECP256R1())
    pem = place.identity.read_bytes()
    place.identity.write_bytes(pem[: pem.index(b"-----BEGIN PRIVATE")] + tls_files.private_pem(other))
    with pytest.raises(JoinRefused, match="does not prove"):
        renewal.renew(house.url, place.ca, place.identity, kiosk.name)


def test_what_is_no_invitation_is_said_to_be_none(kiosk: Kiosk) -> None:
    assert "this is none" in refusal(kiosk, "join", "hello")
    assert "damaged" in refusal(kiosk, "join", "daka-join:AAAA")
    assert "an invitation is needed" in refusal(kiosk, "join")


def test_the_service_says_no_in_a_sentence(house: House) -> None:
    with httpx.Client(base_url=house.url, verify=False, trust_env=False) as http:
        for answer in (
            http.post("/v1/join", content=b"{}"),
            http.get("/v1/join/abc"),
            http.post("/v1/renewal", json={}),
            http.get("/x"),
        ):
            assert answer.status_code in (403, 404)
            assert answer.json()["error"]
        assert http.post("/v1/join", content=b"x" * 100_000).status_code == 413


def test_the_keys_of_a_kiosk_are_those_that_it_made(kiosk: Kiosk) -> None:
    asked = messages.read_join_request(
        requested(kiosk, messages.Invitation("", messages.public_key_text(parts.signing_key()), "0" * 64, "", ""))
    )
    assert asked.journal_key == messages.public_key_text(keys.journal_key(kiosk.keys))
    assert len({asked.journal_key, asked.grant_use_key, asked.sealing_key}) == 3
