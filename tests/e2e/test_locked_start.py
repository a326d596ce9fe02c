"""A kiosk whose templates wait for the server's share, and whose new versions come from there: the real daemons together."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import platformdirs
import pytest

from device import api, keys, messages
from enterprise import authority, join_service, releases
from enterprise import store as stores
from tests.broker import free_port
from tests.device.parts import REPO
from tests.device.test_updates import KEY, archive
from tests.e2e.test_discretion import answering, decided

SAMPLES = platformdirs.user_cache_path("daka") / "weights"
NUMBER, PIN = "1001", "830264"
SETTINGS = """
[device]
id = "kiosk-1"
unlock = "server"
[camera]
source = "file:{picture}"
[attend]
allow_simulated = true
min_gap_s = 0.0
[uplink]
enabled = true
host = "127.0.0.1"
port = {nobody}
ca = "{pki}/root.pem"
certificate = "{identity}"
key = "{identity}"
server_key = "{server_key}"
renew_url = "{url}"
"""


@contextmanager
def running(state: Path, *daemons: str) -> Iterator[subprocess.Popen[bytes]]:
    """The daemons as processes of their own; the first is yielded."""
    base = (sys.executable, "-m", "device.commands.main", "--state", str(state), "--log-level", "debug", "run")
    with (state / "log").open("ab") as log:
        processes = [subprocess.Popen((*base, name), cwd=REPO, stdout=log, stderr=log) for name in daemons]
        try:
            yield processes[0]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)


@contextmanager
def serving(folder: Path, store: stores.Store, port: int) -> Iterator[None]:
    own = authority.place(folder / "pki", authority.BROKER)
    service = join_service.Service(store, folder / "pki", "", lambda: datetime.now(UTC), folder / "offers", KEY)
    server = join_service.server(join_service.application(service), "127.0.0.1", port, own.certificate, own.key)
    server.prepare()
    threading.Thread(target=server.serve, daemon=True).start()
    yield
    server.stop()


def until(what: str, holds: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def ground() -> Iterator[tuple[Path, stores.Store, int]]:
    """An enterprise without its server running, and a kiosk that has joined it."""
    with tempfile.TemporaryDirectory(prefix="daka-") as name:
        folder, port, now = Path(name), free_port(), datetime.now(UTC)
        state = folder / "kiosk"
        state.mkdir()
        authority.create(folder / "pki", now)
        authority.issue_server(folder / "pki", ("127.0.0.1",), now)
        own = authority.issue_device(folder / "pki", "kiosk-1", now)
        (state / "identity.pem").write_bytes(own.certificate.read_bytes() + own.key.read_bytes())
        (state / "identity.pem").chmod(0o600)
        store = stores.connect(f"sqlite:///{folder}/e.db", create=True)
        with store.transaction() as transaction:
            transaction.trust("kiosk-1", messages.public_key_text(keys.journal_key(state / "keys")), now)
        said = SETTINGS.format(
            picture=SAMPLES / "obama2.jpg", nobody=free_port(), pki=folder / "pki", identity=state / "identity.pem",
            server_key=messages.public_key_text(KEY), url=f"https://127.0.0.1:{port}",
        )  # fmt: skip
        (state / "config.toml").write_text(said, encoding="utf-8")
        yield state, store, port


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_locked_kiosk_counts_pins_until_its_server_answers_and_then_faces_and_fetches_what_is_offered(
    ground: tuple[Path, stores.Store, int],
) -> None:
    state, store, port = ground
    admin = state / "run" / api.ADMIN_SOCKET
    with (
        serving(state.parent, store, port),
        running(state, "kiosk", "uplink") as process,
        answering(state, process) as client,
        api.PeopleClient(admin) as staff,
    ):
        client.add_person(NUMBER, "Ada", "en", "hr")
        client.give_consent(NUMBER, "en", "consent", "hr")
        client.enrol(NUMBER, (SAMPLES / "obama.jpg").read_bytes(), "hr")
        staff.set_pin(NUMBER, PIN, "hr")
        assert decided(client, "punched", "face").name == "Ada"
        until("the share has come", lambda: "the templates are unlocked" in (state / "log").read_text())
    with running(state, "kiosk", "uplink") as process, answering(state, process) as client, api.PeopleClient(admin) as staff:
        until("why is said", lambda: "does not answer" in client.status().locked)
        assert "locked" in [one.name for one in client.machine().health.alarms if one.active]
        assert staff.change_pin(NUMBER, PIN, PIN[::-1]).outcome == "pin_changed"
        assert staff.pin(NUMBER, PIN[::-1]).outcome == "punched"
        assert client.status().waiting == "nobody"
        orders = client.upgrades()
        made = archive(state.parent, "9.0.0", members={"daka/VERSION": f"9.0.0 {python()} {machine()}\n", "daka/install.sh": ""})
        releases.sign(made, KEY, datetime.now(UTC), days=1)
        releases.offer(made, KEY.public_key(), state.parent / "offers", "stable", datetime.now(UTC))
        with serving(state.parent, store, port):
            until("it is unlocked", lambda: not client.status().locked)
            assert decided(client, "punched", "face").name == "Ada"
            client.ask_for_upgrades("cli:test")
            until("the release is fetched", lambda: client.upgrades().told.outcome == "fetched")
            assert client.upgrades().told.sent == client.upgrades().would_send
        assert orders.told.sent == ""
        assert (state / "updates" / "daka.tar").read_bytes() == made.read_bytes()
    kinds = {row[0] for row in rows(store)}
    assert kinds == {"share_handed_out"}


def rows(store: stores.Store) -> list[tuple[str]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql("SELECT kind FROM alarm")]


def python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def machine() -> str:

    return platform.machine()
