"""The uplink's connection against a real Mosquitto: it comes back by itself, and says in a sentence what stands in the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty
from typing import Any

import paho.mqtt.client as paho
import pytest

from device import clock, messages, mqtt
from enterprise import authority
from tests.broker import ADDRESS, Broker, free_port

DEVICE = "kiosk-pipe"
TOPICS = messages.topics(DEVICE)
WAIT_S = 20.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    running.prepare([DEVICE, "kiosk-other"])
    running.start()
    yield running
    running.stop()


def settings(broker: Broker, name: str = DEVICE) -> mqtt.Broker:
    files = broker.certificate_of(name)
    return mqtt.Broker(ADDRESS, broker.port, str(broker.root), str(files.certificate), str(files.key), 20)


def pipe(found: mqtt.Broker, device: str = DEVICE) -> mqtt.PahoPipe:
    made = mqtt.PahoPipe(found, device, (TOPICS.acknowledgement,), (TOPICS.state, b"gone"))
    made.start()
    return made


def wait_for(made: mqtt.PahoPipe, kind: type[mqtt.Event], seconds: float = WAIT_S) -> mqtt.Event:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            event = made.events.get(timeout=left)
        except Empty:
            break
        if isinstance(event, kind):
            return event
    pytest.fail(f"no {kind.__name__} within {seconds} s")


def test_the_pipe_connects_and_comes_back_after_the_broker_was_killed(broker: Broker) -> None:
    made = pipe(settings(broker))
    wait_for(made, mqtt.Connected)
    broker.kill()
    wait_for(made, mqtt.Disconnected)
    broker.start()
    wait_for(made, mqtt.Connected, 60.0)
    made.stop()


def test_a_broker_that_is_away_is_named_with_what_to_do(broker: Broker) -> None:
    made = pipe(replace(settings(broker), port=free_port()))
    event = wait_for(made, mqtt.Disconnected)
    made.stop()
    assert isinstance(event, mqtt.Disconnected)
    assert "nobody listens" in event.reason
    assert "is the broker running?" in event.reason


def test_an_unknown_name_is_told_from_a_broker_that_is_away(broker: Broker) -> None:
    made = pipe(replace(settings(broker), host="nowhere.invalid"))
    event = wait_for(made, mqtt.Disconnected)
    made.stop()
    assert isinstance(event, mqtt.Disconnected)
    assert "nowhere.invalid is not known" in event.reason


def test_a_broker_with_a_certificate_from_somebody_else_is_not_spoken_to(broker: Broker, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    authority.create(stranger, datetime.now(UTC))
    made = pipe(replace(settings(broker), ca=str(authority.place(stranger, authority.ROOT).certificate)))
    event = wait_for(made, mqtt.Disconnected)
    made.stop()
    assert isinstance(event, mqtt.Disconnected)
    assert "uplink.ca does not vouch for" in event.reason


def test_a_certificate_from_another_authority_gets_no_connection(broker: Broker, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    now = datetime.now(UTC)
    authority.create(stranger, now)
    authority.issue_device(stranger, DEVICE, now)
    files = authority.place(stranger, DEVICE)
    made = pipe(replace(settings(broker), certificate=str(files.certificate), key=str(files.key)))
    event = wait_for(made, mqtt.Disconnected)
    made.stop()
    assert isinstance(event, mqtt.Disconnected)
    assert not [found for found in list(made.events.queue) if isinstance(found, mqtt.Connected)]


def broker_of(folder: Path, days: int) -> Broker:
    """One whose certificate begins so many days from now."""
    made = Broker(folder)
    made.prepare([DEVICE])
    server = authority.place(made.certificates, authority.BROKER)
    for path in (server.certificate, server.key):
        path.unlink()
    authority.issue_server(made.certificates, [ADDRESS], datetime.now(UTC) + timedelta(days=days))
    made.start()
    return made


@pytest.mark.parametrize(
    ("days", "is_kept", "connects"), [(10, False, True), (10, True, False), (-800, False, False)], ids=["saved", "kept", "ended"]
)
def test_a_certificate_that_begins_after_a_clock_that_nobody_keeps_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, is_kept: bool, connects: bool
) -> None:
    """It was renewed while the kiosk was off, whose clock goes on from its last shutdown. What has ended by it has ended."""
    monkeypatch.setattr(clock, "kernel_clock_is_synced", lambda: is_kept)
    renewed = broker_of(tmp_path, days)
    made = pipe(settings(renewed))
    try:
        event = made.events.get(timeout=WAIT_S)
    finally:
        made.stop()
        renewed.stop()
    assert isinstance(event, mqtt.Connected if connects else mqtt.Disconnected)
    if isinstance(event, mqtt.Disconnected):
        assert "does not vouch for" in event.reason


def test_another_kiosks_certificate_cannot_read_our_acknowledgements(broker: Broker) -> None:
    own = messages.topics("kiosk-other").acknowledgement
    other = mqtt.PahoPipe(settings(broker, "kiosk-other"), "kiosk-other", (TOPICS.acknowledgement, own), None)
    other.start()
    wait_for(other, mqtt.Connected)
    ingester = mqtt.PahoPipe(settings(broker, "ingest"), "ingest", (TOPICS.records,), None)
    ingester.start()
    wait_for(ingester, mqtt.Connected)
    ingester.publish(TOPICS.acknowledgement, b"not for others")
    ingester.publish(own, b"its own")
    event = wait_for(other, mqtt.Received)
    other.stop()
    ingester.stop()
    assert event == mqtt.Received(own, b"its own")


def test_another_kiosks_certificate_cannot_write_in_our_name(broker: Broker) -> None:
    ingester = mqtt.PahoPipe(settings(broker, "ingest"), "ingest", (TOPICS.records, messages.topics("kiosk-other").records), None)
    ingester.start()
    wait_for(ingester, mqtt.Connected)
    other = mqtt.PahoPipe(settings(broker, "kiosk-other"), "kiosk-other", (messages.topics("kiosk-other").acknowledgement,), None)
    other.start()
    wait_for(other, mqtt.Connected)
    other.publish(TOPICS.records, b"in another's name")
    deadline = time.monotonic() + WAIT_S
    while ingester.events.empty() and time.monotonic() < deadline:  # Mosquitto may end the connection of whoever tried
        other.publish(messages.topics("kiosk-other").records, b"in its own")
        time.sleep(0.5)
    event = wait_for(ingester, mqtt.Received)
    other.stop()
    ingester.stop()
    assert event == mqtt.Received(messages.topics("kiosk-other").records, b"in its own")


@pytest.mark.parametrize("part", ["ca", "certificate", "key"])
def test_a_file_that_is_no_certificate_is_named(broker: Broker, tmp_path: Path, part: str) -> None:
    (tmp_path / "damaged.pem").write_text("not a certificate")
    change: dict[str, Any] = {part: str(tmp_path / "damaged.pem")}
    with pytest.raises(mqtt.BrokerConfigError, match=f"uplink.{part}"):
        mqtt.tls_context(replace(settings(broker), **change))


def test_the_last_will_is_said_when_the_pipe_is_gone_without_a_word(broker: Broker) -> None:
    ingester = mqtt.PahoPipe(settings(broker, "ingest"), "ingest", (TOPICS.state,), None)
    ingester.start()
    wait_for(ingester, mqtt.Connected)
    made = pipe(settings(broker))
    wait_for(made, mqtt.Connected)
    assert made._client is not None
    sock = made._client.socket()
    assert sock is not None
    sock.close()  # as a cable that is pulled
    event = wait_for(ingester, mqtt.Received)
    assert event == mqtt.Received(TOPICS.state, b"gone")
    made.stop()
    ingester.stop()


def test_a_certificate_that_is_away_for_a_moment_does_not_end_the_pipe(broker: Broker, tmp_path: Path) -> None:
    found = settings(broker)
    certificate = tmp_path / "mine.pem"
    certificate.write_bytes(Path(found.certificate).read_bytes())
    made = mqtt.PahoPipe(replace(found, certificate=str(certificate)), DEVICE, (TOPICS.acknowledgement,), None)
    made.spread(0.1)
    certificate.rename(tmp_path / "away.pem")
    made.start()
    event = wait_for(made, mqtt.Disconnected)
    assert isinstance(event, mqtt.Disconnected)
    assert str(certificate) in event.reason
    (tmp_path / "away.pem").rename(certificate)
    wait_for(made, mqtt.Connected)
    made.stop()


def test_whatever_a_connection_ends_with_the_pipe_comes_back(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = paho.Client.loop, []

    def breaks_once(client: paho.Client, *given: Any, **named: Any) -> Any:
        tries.append(client)
        if len(tries) == 1:
            raise IndexError("a packet that the library cannot read")
        return real(client, *given, **named)

    monkeypatch.setattr(paho.Client, "loop", breaks_once)
    made = mqtt.PahoPipe(settings(broker), DEVICE, (TOPICS.acknowledgement,), None)
    made.spread(0.1)
    made.start()
    wait_for(made, mqtt.Disconnected)
    wait_for(made, mqtt.Connected)
    made.stop()


def test_a_connection_needs_no_other_one_than_the_brokers(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """On an appliance the uplink's sandbox lets nothing through to 127.0.0.1 either, over which paho would wake its own loop."""
    with monkeypatch.context() as patched:
        patched.setattr(paho, "_socketpair_compat", refused)
        made = pipe(settings(broker))
        wait_for(made, mqtt.Connected)
        made.stop()


def refused() -> None:
    raise PermissionError("a connection to 127.0.0.1")
