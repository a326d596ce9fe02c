"""From an administrator's command to a kiosk's directory and back as a record: real broker, database, uplink and files."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from device import (
    api,
    config,
    desired,
    desk,
    downlink,
    erasure,
    keys,
    messages,
    mqtt,
    people,
    personnel,
    policy,
    post,
    roster,
    server,
    steward,
    trust,
)
from device.uplink import Patience, Uplink
from enterprise import mqtt as links
from enterprise import service
from enterprise import store as stores
from enterprise.commands import main as commands
from enterprise.commands.ingest import _presence, _subscriptions
from enterprise.commands.shared import now
from enterprise.ingest import Ingester
from tests.broker import ADDRESS, Broker
from tests.device import parts

DEVICE = "kiosk-down"
WITHIN_S = 20.0
HURRIED = Patience(news=0.2, answer=1.0)


class Site:
    """One kiosk, without eyes, and the enterprise's side; everything between them is real."""

    def __init__(self, folder: Path, broker: Broker, patience: Patience) -> None:
        self.folder, self.broker, self.patience, self.stop = folder, broker, patience, threading.Event()
        self.database = f"sqlite:///{folder}/enterprise.db"
        self.enterprise("keys", "init", "--dir", str(folder / "keys"))
        self.enterprise("keys", "init", "policy", "--dir", str(folder / "keys"))
        self.store = stores.connect(self.database)
        self.journal = parts.open_journal(folder, device=DEVICE)
        self.enterprise("trust", DEVICE, self.journal.public_key, "--database", self.database)
        self.directory = people.Directory(folder / "people.db", bytes(32))
        self.kept = desired.Kept(folder / "desired.db")
        self._threads = [*self._kiosk(), self._ingester()]
        for thread in self._threads:
            thread.start()

    def _kiosk(self) -> list[threading.Thread]:
        said = [self.enterprise("keys", "show", role, "--dir", str(self.folder / "keys")) for role in ("acknowledgement", "policy")]
        settings = config.parse({"device": {"id": DEVICE}, "uplink": {"server_key": said[0], "policy_key": said[1]}})
        clock = parts.Clock()
        office = desk.Desk(self.journal, self.directory, clock, no_eyes)
        believed = trust.Trust(self.folder / "enterprise.json", settings.uplink)
        down = downlink.Downlink(self.kept, DEVICE, believed, keys.sealing_key(self.folder / "kiosk-keys"))
        counter = post.Post(self.journal, settings, clock, self.folder, None, down, believed)
        self.governed = policy.Governed(settings, self.kept.content)
        eraser = erasure.Eraser(self.journal, self.directory, clock, self.folder)
        register = roster.Register(office, personnel.Personnel(self.journal, self.directory, clock, UTC), self.directory, eraser)
        wishes = steward.Steward(register, self.kept, self.journal, clock, self.governed.settle, counter.rewind)
        path = self.folder / "u.sock"
        self._serving = server.serve(server.application("uplink", post.uplink_routes(counter)), server.listen(path), 4)
        own, topics = self.broker.certificate_of(DEVICE), messages.topics(DEVICE)
        target = mqtt.Broker(ADDRESS, self.broker.port, str(self.broker.root), str(own.certificate), str(own.key), 20)
        pipe = mqtt.PahoPipe(target, DEVICE, (topics.acknowledgement, f"{topics.desired}/#", messages.SERVER_STATE_TOPIC), None)
        uplink = Uplink(DEVICE, api.UplinkClient(path), pipe, self.patience)
        return [
            threading.Thread(target=self._serving.run, daemon=True),
            threading.Thread(target=down.run, args=(wishes.apply, self.stop), daemon=True),
            threading.Thread(target=uplink.run, args=(self.stop,), daemon=True),
        ]

    def _ingester(self) -> threading.Thread:
        own = self.broker.certificate_of("ingest")
        where = links.Broker(ADDRESS, self.broker.port, self.broker.root, own.certificate, own.key, "ingest")
        key = messages.private_key_from_seed((self.folder / "keys" / "acknowledgement.key").read_bytes())
        daemon = service.Service(Ingester(self.store, key, now), links.Link(where, _subscriptions(""), _presence(0)), self.store)
        return threading.Thread(target=daemon.run, args=(self.stop,), daemon=True)

    def enterprise(self, *words: str) -> str:
        done = CliRunner().invoke(commands.daka_enterprise, words)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output.strip()

    def want(self, *words: str) -> str:
        return self.enterprise("desired", *words, "--keys", str(self.folder / "keys"), "--database", self.database, "--by", "hr:li")

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def close(self) -> None:
        self.stop.set()
        self._serving.close()
        for thread in self._threads:
            thread.join(10)


def no_eyes() -> NoReturn:
    raise AssertionError("nobody looks here")


def wait_until(true: Callable[[], object], within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


@contextmanager
def running(patience: Patience = HURRIED) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="daka-") as folder:  # a short name: it has to hold a unix socket
        broker = Broker(Path(folder) / "b")
        broker.folder.mkdir()
        broker.prepare([DEVICE])
        broker.start()
        made = Site(Path(folder), broker, patience)
        yield made
        made.close()
        broker.stop()


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as made:
        yield made


def test_a_roster_reaches_the_kiosk_and_the_result_comes_back_as_a_record(site: Site) -> None:
    wait_until(lambda: site.rows("SELECT * FROM kiosk_side"))
    (site.folder / "people.csv").write_text("number,name,language\n1001,王芳,zh-CN\n1002,Ada,en\n", encoding="utf-8")
    assert "2 added" in site.want("roster", str(site.folder / "people.csv"))
    wait_until(lambda: len(site.directory.list()) == 2)
    site.want("policy", "attend.min_gap_s=90.0")
    wait_until(lambda: site.governed.now.attend.min_gap_s == 90.0)
    site.want("message", "See HR", "--to", "1002")
    wait_until(lambda: site.kept.content.notices)
    wait_until(lambda: len(site.rows("SELECT body FROM record WHERE kind = 'desired'")) == 3)
    said = str(site.rows("SELECT body FROM record WHERE kind = 'desired'"))
    assert "hr:li" in said
    assert not {"王芳", "1001", "See HR"} & set(said.split('"'))
    person = {one.number: one.person for one in site.directory.list()}["1002"]
    assert site.kept.content.notices[0].person == person


def test_a_kiosk_that_missed_a_state_gets_it_at_its_next_hello(site: Site) -> None:
    wait_until(lambda: site.rows("SELECT * FROM kiosk_side"))
    site.want("policy", "attend.min_gap_s=90.0")
    wait_until(lambda: site.governed.now.attend.min_gap_s == 90.0)
    with site.store.transaction() as transaction:  # what was sent is lost: the broker was replaced
        transaction.connection.exec_driver_sql("UPDATE desired SET version = version + 1")
        transaction.connection.exec_driver_sql("UPDATE desired_page SET sent = 1")
    site.want("policy", "attend.min_gap_s=80.0")
    wait_until(lambda: site.kept.place.version == 3)
    assert site.governed.now.attend.min_gap_s == 80.0


def test_a_database_from_an_older_backup_opens_a_new_generation(site: Site) -> None:
    wait_until(lambda: site.rows("SELECT * FROM kiosk_side"))
    for gap in (90, 91, 92):
        site.want("policy", f"attend.min_gap_s={gap}.0")
    wait_until(lambda: site.kept.place.version == 3)
    before = site.kept.place
    wait_until(lambda: site.rows("SELECT * FROM record WHERE kind = 'desired'"))
    with site.store.transaction() as transaction:
        transaction.connection.exec_driver_sql("UPDATE desired SET version = 1")
        said = f"UPDATE kiosk_side SET generation = {before.generation}, version = {before.version}"
        transaction.connection.exec_driver_sql(said)
    site.want("policy", "attend.min_gap_s=70.0")
    wait_until(lambda: site.kept.place.generation > before.generation)
    assert site.kept.place.version == 1
    assert site.governed.now.attend.min_gap_s == 70.0
