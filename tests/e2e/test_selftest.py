"""The uplink's self-test against a real broker and a real ingester: each broken step is named, and nothing beyond it is tried."""

from __future__ import annotations

import dataclasses
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device import api, config, messages, mqtt, post, selftest, selftest_board, selftest_runner, server
from device.findings import Finding, Verdict
from enterprise import authority, service
from enterprise import mqtt as links
from enterprise import store as stores
from enterprise.commands.ingest import _presence, _subscriptions
from enterprise.commands.shared import now
from enterprise.ingest import Ingester
from tests.broker import ADDRESS, Broker, free_port
from tests.device import parts

DEVICE = "kiosk-way"
SERVER_KEY = parts.signing_key(9)
STEP_S, USUAL_STEP_S = 60.0, selftest.STEP_S


class Kiosk:
    """The kiosk daemon's side, asked directly."""

    def __init__(self, counter: post.Post) -> None:
        self.counter = counter

    def hello(self) -> tuple[str, bytes]:
        return "", self.counter.hello().get_data()

    def acknowledge(self, payload: bytes) -> api.Cursor:
        try:
            return self.counter.believe(payload)
        except Exception as error:
            raise api.KioskRefused(type(error).__name__, str(error)) from error


class Site:
    """A broker, an ingester that trusts the kiosk, and the kiosk."""

    def __init__(self, folder: Path) -> None:
        self.broker = Broker(folder / "b")
        self.broker.folder.mkdir()
        self.broker.prepare([DEVICE, "kiosk-other"])
        self.broker.start()
        self.journal = parts.open_journal(folder, device=DEVICE)
        settings = config.parse({"uplink": {"server_key": messages.public_key_text(SERVER_KEY)}})
        self.kiosk = Kiosk(post.Post(self.journal, settings, parts.Clock(), folder))
        self.store = stores.connect(f"sqlite:///{folder}/e.db")
        with self.store.transaction() as transaction:
            transaction.trust(DEVICE, self.journal.public_key, now())
        self.start_ingester()

    def start_ingester(self) -> None:
        """Returns once it listens to its kiosks."""
        self._stop = threading.Event()
        own = self.broker.certificate_of("ingest")
        where = links.Broker(ADDRESS, self.broker.port, self.broker.root, own.certificate, own.key, "ingest")
        daemon = service.Service(Ingester(self.store, SERVER_KEY, now), links.Link(where, _subscriptions(""), _presence(0)))
        self._thread = threading.Thread(target=daemon.run, args=(self._stop,), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + STEP_S
        while daemon._said != "connected to the broker":
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def way(self, name: str = DEVICE) -> selftest.Way:
        files = self.broker.certificate_of(name)
        target = mqtt.Broker(ADDRESS, self.broker.port, str(self.broker.root), str(files.certificate), str(files.key), 20)
        return selftest.Way(target, DEVICE, datetime.now(UTC), True)

    def stop_ingester(self) -> None:
        self._stop.set()
        self._thread.join(STEP_S)

    def close(self) -> None:
        self.stop_ingester()
        self.broker.stop()
        self.journal.close()
        self.store.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="daka-") as folder:
        made = Site(Path(folder))
        yield made
        made.close()


@pytest.fixture(autouse=True)
def patient_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no broken step."""
    monkeypatch.setattr(selftest, "STEP_S", STEP_S)


@pytest.fixture
def usual_steps(patient_steps: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a silence that has to be waited for."""
    monkeypatch.setattr(selftest, "STEP_S", USUAL_STEP_S)


def failing(found: list[Finding]) -> Finding:
    """The last one, and the only bad one."""
    assert [one.verdict for one in found[:-1] if one.verdict is Verdict.BAD] == []
    assert found[-1].verdict is Verdict.BAD
    assert found[-1].remedy
    return found[-1]


def changed(way: selftest.Way, **changes: object) -> selftest.Way:
    return dataclasses.replace(way, broker=dataclasses.replace(way.broker, **changes))  # type: ignore[arg-type]


def test_a_way_that_is_whole_ends_in_the_servers_signature(site: Site) -> None:
    found = list(selftest.whole(site.way(), site.kiosk))
    assert [one.check for one in found] == [
        "certificate",
        "name resolution",
        "TCP",
        "TLS",
        "authorisation",
        "topic rights",
        "acknowledgement",
    ]
    assert {one.verdict for one in found} == {Verdict.GOOD}


def test_a_name_that_nobody_knows_is_the_name(site: Site) -> None:
    assert failing(list(selftest.reach(changed(site.way(), host="nowhere.invalid")))).check == "name resolution"


def test_a_port_that_nobody_listens_at_is_the_connection(site: Site) -> None:
    assert failing(list(selftest.reach(changed(site.way(), port=free_port())))).check == "TCP"


def test_somebody_who_speaks_no_tls_is_the_tls(site: Site) -> None:
    with socket.create_server((ADDRESS, 0)) as plain:

        def answer() -> None:
            for _ in range(2):  # the connection's own step, then TLS
                peer, _ = plain.accept()
                peer.sendall(b"220 hello\r\n")
                peer.close()

        threading.Thread(target=answer, daemon=True).start()
        assert failing(list(selftest.reach(changed(site.way(), port=plain.getsockname()[1])))).check == "TLS"


def test_a_broker_of_another_authority_is_the_tls(site: Site, tmp_path: Path) -> None:
    authority.create(tmp_path, datetime.now(UTC))
    ca = str(authority.place(tmp_path, authority.ROOT).certificate)
    found = failing(list(selftest.reach(changed(site.way(), ca=ca))))
    assert found.check == "TLS"
    assert "not from our authority" in found.sentence


def test_a_certificate_that_has_run_out_is_held_against_a_clock_that_may_be_wrong(site: Site) -> None:
    found = failing(
        list(selftest.reach(dataclasses.replace(site.way(), now=datetime.now(UTC) + timedelta(days=4_000), sure=False)))
    )
    assert (found.check, "ran out on" in found.sentence, "set the clock" in found.remedy) == ("certificate", True, True)


@pytest.mark.parametrize(("days", "sentence"), [(-20_000, "which cannot be"), (-30, "nobody disciplines it")])
def test_a_clock_before_our_own_certificate_is_said_to_be_wrong_and_stops_nothing(site: Site, days: int, sentence: str) -> None:
    behind = dataclasses.replace(site.way(), now=datetime.now(UTC) + timedelta(days=days), sure=False)
    first, *rest = selftest.reach(behind)
    assert (first.verdict, sentence in first.sentence) == (Verdict.NOTE, True)
    assert [one.verdict for one in rest] == [Verdict.GOOD] * 3


@pytest.mark.parametrize("sure", [False, True])
def test_a_broker_whose_certificate_begins_later_is_spoken_to_as_the_uplink_does_by_a_clock_that_nobody_keeps(
    tmp_path: Path, sure: bool
) -> None:
    renewed = Broker(tmp_path)
    renewed.prepare([DEVICE])
    server = authority.place(renewed.certificates, authority.BROKER)
    for path in (server.certificate, server.key):
        path.unlink()
    authority.issue_server(renewed.certificates, [ADDRESS], datetime.now(UTC) + timedelta(days=10))
    renewed.start()
    files = renewed.certificate_of(DEVICE)
    target = mqtt.Broker(ADDRESS, renewed.port, str(renewed.root), str(files.certificate), str(files.key), 20)
    last = list(selftest.reach(selftest.Way(target, DEVICE, datetime.now(UTC), sure)))[-1]
    renewed.stop()
    assert (last.check, last.verdict) == (("certificate dates", Verdict.BAD) if sure else ("TLS", Verdict.GOOD))


def test_a_broker_whose_certificate_has_run_out_is_the_certificates_dates(tmp_path: Path) -> None:
    old = Broker(tmp_path)
    old.prepare([DEVICE])
    server = authority.place(old.certificates, authority.BROKER)
    for path in (server.certificate, server.key):
        path.unlink()
    authority.issue_server(old.certificates, [ADDRESS], datetime.now(UTC) - timedelta(days=800))
    old.start()
    files = old.certificate_of(DEVICE)
    target = mqtt.Broker(ADDRESS, old.port, str(old.root), str(files.certificate), str(files.key), 20)
    found = failing(list(selftest.reach(selftest.Way(target, DEVICE, datetime.now(UTC), False))))
    old.stop()
    assert (found.check, "has run out" in found.sentence, "nobody disciplines it" in found.sentence) == (
        "certificate dates",
        True,
        True,
    )


def wait_for(pipe: mqtt.PahoPipe, kind: type[mqtt.Event]) -> None:
    """Past the messages that the broker retains; queue.Empty if it does not come."""
    while not isinstance(pipe.events.get(timeout=STEP_S), kind):
        pass


def test_a_test_that_the_web_ui_asks_for_runs_in_the_uplink_while_its_own_connection_rests(site: Site, tmp_path: Path) -> None:
    """Board, sockets, runner and pipe are the real ones; both connections bear the same name, of which a broker ends the older."""
    board = selftest_board.SelfTestBoard(lambda: True)
    socket_file = tmp_path / "u.sock"
    routes = (*post.uplink_routes(site.kiosk.counter), *selftest_board.uplink_routes(board))
    serving = server.serve(server.application("uplink", routes), server.listen(socket_file), 4)
    threading.Thread(target=serving.run, daemon=True).start()
    pipe = mqtt.PahoPipe(site.way().broker, DEVICE, (messages.topics(DEVICE).acknowledgement,), None)
    pipe.start()
    assert isinstance(pipe.events.get(timeout=STEP_S), mqtt.Connected)

    def way_of_a_pipe_that_rests() -> selftest.Way:
        wait_for(pipe, mqtt.Disconnected)
        return site.way()

    with api.UplinkClient(socket_file) as kiosk, api.SelfTestRunner(socket_file) as asked:
        runner = selftest_runner.Runner(kiosk, asked, way_of_a_pipe_that_rests, pipe.away)
        assert not runner.take(0.0), "nobody has asked"
        number = board.begin("").number
        assert runner.take(1.0)
    found = board.standing()
    assert (found.number, found.stage) == (number, "ended")
    assert [step.verdict for step in found.steps] == ["good"] * 7, found.steps
    wait_for(pipe, mqtt.Connected)
    pipe.stop()
    serving.close()


def test_a_certificate_of_another_authority_is_the_authorisation(site: Site, tmp_path: Path) -> None:
    authority.create(tmp_path, datetime.now(UTC))
    stranger = authority.issue_device(tmp_path, DEVICE, datetime.now(UTC))
    way = changed(site.way(), certificate=str(stranger.certificate), key=str(stranger.key))
    assert failing(list(selftest.whole(way, site.kiosk))).check in ("TLS", "authorisation")


def test_another_kiosks_certificate_is_the_topic_rights(site: Site) -> None:
    assert failing(list(selftest.whole(site.way("kiosk-other"), site.kiosk))).check == "topic rights"


@pytest.mark.usefixtures("usual_steps")
def test_a_server_of_another_key_is_the_acknowledgement(site: Site, tmp_path: Path) -> None:
    settings = config.parse({"uplink": {"server_key": messages.public_key_text(parts.signing_key(8))}})
    doubting = Kiosk(post.Post(site.journal, settings, parts.Clock(), tmp_path))
    found = failing(list(selftest.whole(site.way(), doubting)))
    assert (found.check, "not believed" in found.sentence) == ("acknowledgement", True)


@pytest.mark.usefixtures("usual_steps")
def test_an_ingester_that_is_away_is_the_acknowledgement(site: Site) -> None:
    site.stop_ingester()
    steps = list(selftest.whole(site.way(), site.kiosk))
    site.start_ingester()
    found = failing(steps)
    assert (found.check, found.sentence) == ("acknowledgement", "the server does not answer")
