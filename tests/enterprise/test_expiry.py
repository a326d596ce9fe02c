"""Our own certificates end after two years: an alarm comes before, and one command renews each with its key and names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from enterprise import authority, expiry, mqtt, service
from enterprise.commands import main as commands
from enterprise.commands.ingest import _presence, _subscriptions
from enterprise.expiry import Life, Watch
from enterprise.store import Transaction
from tests.broker import ADDRESS, Broker
from tests.enterprise.conftest import Office

BEGINS = datetime(2026, 11, 23, 9, tzinfo=UTC)
TWO_YEARS = Life(BEGINS, BEGINS + timedelta(days=730))


def call(*words: object) -> Result:
    return CliRunner().invoke(commands.daka_enterprise, [str(word) for word in words])


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.parametrize("name", ["broker", "ingest", "kiosk-1"])
def test_a_certificate_is_renewed_with_its_key_its_names_and_its_use(tmp_path: Path, name: str) -> None:
    begun = datetime.now(UTC) - timedelta(days=700)
    authority.create(tmp_path, begun)
    authority.issue_server(tmp_path, ["broker.example", "192.0.2.7"], begun)
    authority.issue_ingester(tmp_path, begun)
    authority.issue_device(tmp_path, "kiosk-1", begun)
    where = authority.place(tmp_path, name)
    before, key = read(where.certificate), where.key.read_bytes()
    assert call("authority", "renew", name, "--dir", tmp_path).exit_code == 0
    after = read(where.certificate)
    after.verify_directly_issued_by(read(tmp_path / "root.pem"))
    assert after.not_valid_after_utc - before.not_valid_after_utc > timedelta(days=690)
    assert (after.subject, after.public_key(), where.key.read_bytes()) == (before.subject, before.public_key(), key)
    for kind in (x509.ExtendedKeyUsage, x509.SubjectAlternativeName, x509.KeyUsage):
        said = [[one.value for one in found.extensions if isinstance(one.value, kind)] for found in (before, after)]
        assert said[0] == said[1]
    shown = call("authority", "show", "--dir", tmp_path).output
    assert f"{after.not_valid_after_utc.date()}" in shown
    assert "broker.example, 192.0.2.7" in shown


def test_the_root_and_what_is_not_there_are_not_renewed(tmp_path: Path) -> None:
    authority.create(tmp_path, BEGINS)
    assert "the root is not renewed" in str(call("authority", "renew", "root", "--dir", tmp_path).exception)
    assert "there is no certificate" in str(call("authority", "renew", "broker", "--dir", tmp_path).exception)


def test_an_alarm_comes_a_month_before_the_end_and_again_each_day_until_it_is_renewed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "EVERY_S", 0)
    at = [TWO_YEARS.ends - timedelta(days=31)]
    watch = Watch(office.store, lambda: at[0])
    watch.know("ingest", TWO_YEARS)
    watch.look()
    assert office.alarms() == []
    at[0] += timedelta(days=2)
    watch.look()
    watch.look()
    assert office.rows("SELECT device, kind, count FROM alarm") == [("ingest", "certificate_ends", 2)]
    watch.know("ingest", Life(at[0], at[0] + timedelta(days=730)))
    watch.look()
    assert office.rows("SELECT count FROM alarm") == [(2,)]


def test_what_fails_once_in_a_way_that_nobody_has_thought_of_is_looked_at_again_soon(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "AGAIN_S", 0)
    tries = []

    def fails(transaction: Transaction, now: datetime) -> None:
        tries.append(now)
        raise ZeroDivisionError

    watch = Watch(office.store, lambda: TWO_YEARS.ends, fails)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            watch.look()
    assert len(tries) == 2, "not tomorrow only"


def test_one_that_lives_for_three_months_is_given_time_to_be_renewed_by_itself() -> None:
    assert (Life(BEGINS, BEGINS + timedelta(days=88)).warns_at - BEGINS).days == 66


def test_the_ingester_sees_how_long_the_brokers_certificate_is_good(office: Office, broker: Broker) -> None:
    own = broker.certificate_of("ingest")
    where = mqtt.Broker(ADDRESS, broker.port, broker.root, own.certificate, own.key, "ingest")
    later = datetime.now(UTC) + timedelta(days=720)
    watch = Watch(office.store, lambda: later)
    link = mqtt.Link(where, _subscriptions(""), _presence(0))
    daemon = service.Service(office.ingester, link, watch=watch)
    link.start()
    try:
        daemon._gather()
        for _ in range(20):
            if not watch._lives:
                daemon._gather()
        watch.look()
    finally:
        link.stop()
    assert office.rows("SELECT device, kind FROM alarm") == [("broker", "certificate_ends")]
