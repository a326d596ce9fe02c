"""The ingest daemon as a process, with a real broker, real certificates and real signals."""

from __future__ import annotations

import re
import secrets
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from click.testing import CliRunner, Result
from paho.mqtt.enums import MQTTErrorCode

from device import messages
from device.messages import Purpose
from enterprise import downlink, mosquitto, mqtt, verify
from enterprise import store as stores
from enterprise.commands import main as commands
from tests.broker import ADDRESS, INGESTERS, Broker
from tests.enterprise.kiosk import START, Client, Kiosk, wait_for
from tests.enterprise.test_downlink import POLICY_KEY
from tests.enterprise.test_downlink import hello as hello_with_sealing_key
from tests.postgres import Postgres

WITHIN_S = 30.0
STATE = messages.SERVER_STATE_TOPIC
TOPICS = messages.topics("kiosk-1")


@dataclass
class Daemon:
    """`daka-enterprise` with a folder of its own; `start` and `kill` may be called again and again."""

    broker: Broker
    folder: Path
    database: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *words: str) -> Result:
        return CliRunner().invoke(commands.daka_enterprise, words)

    def start(self, *more: str, name: str = "ingest", module: str = "enterprise.commands.main") -> subprocess.Popen[bytes]:
        own = self.broker.certificate_of(name)
        files = ["--ca", str(self.broker.root), "--cert", str(own.certificate), "--key", str(own.key)]
        where = ["--database", self.database, "--keys", str(self.folder / "keys"), "--broker", self.broker.address, "--name", name]
        command = [sys.executable, "-m", module, "ingest", *where, *files, *more]
        with (self.folder / "log").open("ab") as log:
            self.processes.append(subprocess.Popen(command, stderr=log))
        return self.processes[-1]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def end_all(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def daemon(broker: Broker, tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(broker, tmp_path, f"sqlite:///{tmp_path}/records.db")
    made.command("keys", "init", "--dir", str(tmp_path / "keys"))
    yield made
    made.end_all()


@pytest.fixture
def kiosk(daemon: Daemon) -> Kiosk:
    """Trusted through the command line; 400 records."""
    made = Kiosk()
    made.punch(399)
    trusted = daemon.command("trust", made.name, made.public_key, "--database", daemon.database)
    assert trusted.exit_code == 0, trusted.exception
    return made


@pytest.fixture
def client(broker: Broker) -> Iterator[Client]:
    """kiosk-1's connection; what the broker still retains of the tests before is taken away first."""
    before = Client(broker, "ingest-2")
    for topic in (TOPICS.acknowledgement, STATE):
        before.publish(topic, b"", retain=True)
    before.close()
    made = Client(broker, "kiosk-1", (TOPICS.acknowledgement, STATE))
    yield made
    made.close()


def is_online(topic: str, payload: bytes) -> bool:
    return topic == STATE and bool(messages.open_envelope(payload, "server-state", "server")["online"])


def says(upto: int, nonce: str = "") -> Callable[[str, bytes], bool]:
    def wanted(topic: str, payload: bytes) -> bool:
        if topic != TOPICS.acknowledgement:
            return False
        data = messages.open_envelope(payload, "acknowledgement", "kiosk-1")
        return bool(data["upto"] == upto and data["nonce"] == nonce)

    return wanted


def rows(daemon: Daemon) -> list[tuple[int, str]]:
    with sqlite3.connect(daemon.database.removeprefix("sqlite:///")) as connection:
        return connection.execute("SELECT seq, hash FROM record ORDER BY seq").fetchall()


def send_what_is_missing(kiosk: Kiosk, client: Client, nonce: str) -> bool:
    """Greet whenever the server says that it is there, and send from where it stands; whether anything was missing."""

    def is_answer(topic: str, payload: bytes) -> bool:
        return topic == TOPICS.acknowledgement and nonce.encode() in payload

    client.publish(TOPICS.hello, kiosk.hello(nonce=nonce))
    answer = b""
    while not answer:
        heard = wait_for(client, lambda topic, payload: is_online(topic, payload) or is_answer(topic, payload), WITHIN_S)
        if nonce.encode() in heard:
            answer = heard
        else:
            client.publish(TOPICS.hello, kiosk.hello(nonce=nonce))
    missing = range(messages.open_envelope(answer, "acknowledgement", "kiosk-1")["upto"] + 1, 401, 50)
    for first in missing:
        client.publish(TOPICS.records, kiosk.batch(first, min(first + 49, 400)))
    return bool(missing)


def wait_until(true: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_records_arrive_and_the_answer_bears_the_pinned_signature(daemon: Daemon, kiosk: Kiosk, client: Client) -> None:
    pinned = messages.public_key_from_text(daemon.command("keys", "show", "--dir", str(daemon.folder / "keys")).output.strip())
    process = daemon.start()
    wait_for(client, is_online, WITHIN_S)
    client.publish(TOPICS.hello, kiosk.hello(nonce="5a" * 16))
    wait_for(client, says(0, nonce="5a" * 16))
    client.publish(TOPICS.records, kiosk.batch(1, 200))
    client.publish(TOPICS.records, kiosk.batch(201, 400))
    data = messages.open_envelope(wait_for(client, says(400)), "acknowledgement", "kiosk-1")
    messages.verify_signed(data, pinned, Purpose.ACKNOWLEDGEMENT, "kiosk-1")
    process.terminate()
    assert process.wait(WITHIN_S) == 0
    wait_for(client, lambda topic, payload: topic == STATE and not is_online(topic, payload))
    verified = daemon.command("verify", "--database", daemon.database)
    assert verified.exit_code == 0
    assert kiosk.hash_of(400).hex() in verified.output


def test_an_ingester_killed_between_commit_and_answer_stores_once_and_answers_after_its_restart(
    daemon: Daemon, kiosk: Kiosk, client: Client
) -> None:
    process = daemon.start(module="tests.enterprise.dies_before_answering")
    wait_for(client, is_online, WITHIN_S)
    client.publish(TOPICS.records, kiosk.batch(1, 200))
    assert process.wait(WITHIN_S) == -signal.SIGKILL
    committed = rows(daemon)
    assert len(committed) == 200
    daemon.start()
    wait_for(client, is_online, WITHIN_S)
    client.publish(TOPICS.hello, kiosk.hello(nonce="5a" * 16))
    wait_for(client, says(200, nonce="5a" * 16))
    client.publish(TOPICS.records, kiosk.batch(1, 200))
    wait_for(client, says(200))
    assert rows(daemon) == committed


def test_kills_at_any_moment_and_a_lost_broker_end_with_the_same_rows(daemon: Daemon, kiosk: Kiosk, client: Client) -> None:
    """The kiosk here only resends from where the server says that it stands."""
    for pause_s in (0.0, 0.004, 0.02):
        process = daemon.start()
        send_what_is_missing(kiosk, client, secrets.token_hex(16))
        time.sleep(pause_s)
        process.kill()
        process.wait()
    daemon.broker.kill()
    daemon.broker.start()
    client.ready.get(timeout=WITHIN_S)
    daemon.start()
    if send_what_is_missing(kiosk, client, "f" * 32):
        wait_for(client, says(400))
    assert rows(daemon) == [(seq, kiosk.hash_of(seq).hex()) for seq in range(1, 401)]


def test_a_broker_that_is_away_is_waited_for_and_said_once(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker")
    broker.prepare(["kiosk-1"])
    daemon = Daemon(broker, tmp_path, f"sqlite:///{tmp_path}/records.db")
    daemon.command("keys", "init", "--dir", str(tmp_path / "keys"))
    daemon.start()
    try:
        wait_until(lambda: "nobody listens" in daemon.log)
        time.sleep(1.5)
        assert daemon.log.count("nobody listens") == 1
        broker.start()
        wait_until(lambda: "connected to the broker" in daemon.log)
    finally:
        daemon.end_all()
        broker.stop()


def test_what_a_broker_forgets_is_sent_again_and_it_writes_nothing_down(tmp_path: Path) -> None:
    """Or it would write all that it retains at every message: a quarter of a second with the rosters of 200 kiosks."""
    broker = Broker(tmp_path / "broker")
    broker.prepare(["kiosk-1"])
    broker.start()
    before = {path for path in broker.folder.rglob("*") if path.is_file()}
    daemon = Daemon(broker, tmp_path, f"sqlite:///{tmp_path}/records.db")
    daemon.command("keys", "init", "--dir", str(tmp_path / "keys"))
    made, store = Kiosk(), stores.connect(daemon.database)
    with store.transaction() as transaction:
        transaction.trust(made.name, made.public_key, START)
    daemon.start()
    client = Client(broker, "kiosk-1", (TOPICS.acknowledgement, TOPICS.desired, STATE))
    try:
        for killed in (False, True):
            wait_for(client, is_online, WITHIN_S)
            client.publish(TOPICS.hello, hello_with_sealing_key(made))
            wait_for(client, lambda topic, _: topic == TOPICS.acknowledgement)
            if not killed:
                with store.transaction() as transaction:
                    downlink.sign(transaction, made.name, POLICY_KEY, None, START)
            wait_for(client, lambda topic, _: topic == TOPICS.desired)
            broker.kill()
            broker.start()
            client.ready.get(timeout=WITHIN_S)
        assert {path for path in broker.folder.rglob("*") if path.is_file()} == before
    finally:
        client.close()
        daemon.end_all()
        broker.stop()
        store.close()


def test_a_message_that_wants_no_acknowledgement_costs_nobody_the_connection(daemon: Daemon, kiosk: Kiosk, client: Client) -> None:
    """Mosquitto ends a connection that acknowledges it, and what is retained comes again with the next one."""
    careless, own = Client(daemon.broker, "kiosk-2"), messages.topics("kiosk-2")
    careless.publish(own.state, b"{}", qos=0, retain=True)
    try:
        daemon.start()
        wait_for(client, is_online, WITHIN_S)
        careless.publish(own.records, b"{}", qos=0)
        client.publish(TOPICS.records, kiosk.batch(1, 200))
        wait_for(client, says(200), WITHIN_S)
        assert "no connection" not in daemon.log
    finally:
        careless.publish(own.state, b"", retain=True)
        careless.close()


def acknowledged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What any client in this process has told the broker to forget."""
    real, mids = paho.Client.ack, []

    def ack(client: paho.Client, mid: int, qos: int) -> MQTTErrorCode:
        mids.append(mid)
        return real(client, mid, qos)

    monkeypatch.setattr(paho.Client, "ack", ack)
    return mids


def test_what_the_broker_hands_over_while_nothing_is_settled_is_bounded(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mosquitto 2.0.11 keeps to the Receive Maximum until the first acknowledgement only."""
    monkeypatch.setattr(mqtt, "MOST_HELD", 20)
    let_go = acknowledged(monkeypatch)
    own, kiosk = broker.certificate_of("ingest"), Client(broker, "kiosk-1")
    where = mqtt.Broker(ADDRESS, broker.port, broker.root, own.certificate, own.key, "ingest")
    link = mqtt.Link(where, (messages.topics("+").records,), mqtt.Words(TOPICS.acknowledgement, b"", b""))
    link.start()
    try:
        assert isinstance(link.events.get(timeout=WITHIN_S), mqtt.Connected)
        for number in range(100):
            kiosk.publish(TOPICS.records, b"%d" % number)
        wait_until(lambda: len(let_go) == 80)
        held = [link.events.get_nowait() for _ in range(link.events.qsize())]
        assert [event.payload for event in held if isinstance(event, mqtt.Received)] == [b"%d" % number for number in range(20)]
        kiosk.publish(TOPICS.records, b"and one more")
        assert isinstance(link.events.get(timeout=WITHIN_S), mqtt.Received)
    finally:
        link.stop()
        kiosk.close()


def test_a_database_that_is_locked_delays_the_answer_and_loses_nothing(daemon: Daemon, kiosk: Kiosk, client: Client) -> None:
    daemon.start()
    wait_for(client, is_online, WITHIN_S)
    with sqlite3.connect(daemon.database.removeprefix("sqlite:///"), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        client.publish(TOPICS.records, kiosk.batch(1, 200))
        locked = re.compile(r"database is locked.*nothing is lost")  # the desired states may meet the lock first, and say so
        wait_until(lambda: locked.search(daemon.log) is not None)
        other.execute("ROLLBACK")
    wait_for(client, says(200), WITHIN_S)


def test_two_workers_that_share_a_kiosk_store_each_record_once(
    broker: Broker, postgres: Postgres, tmp_path: Path, client: Client
) -> None:
    daemon = Daemon(broker, tmp_path, postgres.fresh())
    daemon.command("keys", "init", "--dir", str(tmp_path / "keys"))
    kiosk = Kiosk()
    kiosk.punch(399)
    daemon.command("trust", kiosk.name, kiosk.public_key, "--database", daemon.database)
    for name in INGESTERS:
        daemon.start("--share", "office", name=name)
    try:
        wait_until(lambda: daemon.log.count("connected to the broker") == len(INGESTERS))
        for first in [*range(1, 400, 50)] * 2:
            client.publish(TOPICS.records, kiosk.batch(first, first + 49))
        wait_until(lambda: not send_what_is_missing(kiosk, client, secrets.token_hex(16)))
    finally:
        daemon.end_all()
    store = stores.connect(daemon.database)
    (chain,) = verify.chains(store)
    store.close()
    assert (chain.holds, chain.records, chain.head) == (True, 400, kiosk.hash_of(400).hex())


def test_a_kiosk_can_neither_write_nor_read_what_is_anothers(broker: Broker) -> None:
    others = messages.topics("kiosk-2")
    listener = Client(broker, "kiosk-1", (others.acknowledgement, "att/v1/+/down/#", "att/v1/+/up/#"))
    other, server = Client(broker, "kiosk-2", (others.acknowledgement,)), Client(broker, "ingest", ("att/v1/+/up/#",))
    try:
        for forbidden in (others.records, TOPICS.acknowledgement, STATE, "att/v1/kiosk-1/up/junk", f"{TOPICS.records}/1"):
            assert listener.publish(forbidden, b"forged") == "Not authorized", forbidden
        assert listener.publish(TOPICS.records, b"own") == "Success"
        assert wait_for(server, lambda *_: True) == b"own"
        assert server.publish(others.acknowledgement, b"for kiosk-2") == "Success"
        wait_for(other, lambda topic, payload: payload == b"for kiosk-2")
        assert server.received.empty()
        heard = {listener.received.get()[0] for _ in range(listener.received.qsize())}
        assert heard <= {TOPICS.acknowledgement}
    finally:
        for connected in (listener, other, server):
            connected.close()


def test_without_a_certificate_of_this_authority_there_is_no_connection(broker: Broker, tmp_path: Path) -> None:
    stranger = Broker(tmp_path / "other")
    stranger.prepare(["kiosk-1"])
    foreign = stranger.certificate_of("kiosk-1")
    servers_own = broker.certificate_of("broker")
    for files in (None, foreign, servers_own):
        context = ssl.create_default_context(cafile=str(broker.root))
        if files is not None:
            context.load_cert_chain(files.certificate, files.key)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            read_from(broker, context)


def read_from(broker: Broker, context: ssl.SSLContext) -> None:
    with socket.create_connection((ADDRESS, broker.port), 5) as plain:
        secured = context.wrap_socket(plain, server_hostname=ADDRESS)
        if secured.recv(1) == b"":  # under TLS 1.3 the refusal comes with the first read
            raise ConnectionError("closed")


def test_a_worker_that_the_brokers_access_list_does_not_know_says_so(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.prepare([])
    (tmp_path / "access.list").write_text(mosquitto.access_list(["ingest"]))
    broker.start()
    second = Daemon(broker, tmp_path, f"sqlite:///{tmp_path}/records.db")
    try:
        assert second.command("keys", "init", "--dir", str(tmp_path / "keys")).exit_code == 0
        second.start("--share", "workers", name="ingest-2")
        wait_until(lambda: "the broker gives ingest-2 no rights" in second.log)
        assert "authority mosquitto" in second.log
    finally:
        for process in second.processes:
            process.kill()
            process.wait()
        broker.stop()
