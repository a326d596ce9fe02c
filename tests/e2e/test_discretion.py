"""The real kiosk daemon after a full run: no name, score, template or secret in its log or files, and no core."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import platformdirs
import pytest

from device import api, keys, people
from tests.device.parts import REPO

NAME, NUMBER, PIN, BADGE = "Barnabas Quillfeather", "EMP-770042", "830264917503", "badge-77-0042-x"
SETTINGS = """
[camera]
source = "file:{picture}"
[attend]
allow_simulated = true
min_gap_s = 0.0
"""


@pytest.fixture
def kiosk() -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A daemon before whose camera one person stands for ever, logging all that it can."""
    picture = platformdirs.user_cache_path("daka") / "weights" / "obama2.jpg"
    with tempfile.TemporaryDirectory(prefix="daka-") as name:
        state = Path(name)
        (state / "config.toml").write_text(SETTINGS.format(picture=picture), encoding="utf-8")
        command = (sys.executable, "-m", "device.commands.main", "--state", name, "--log-level", "debug", "run", "kiosk")
        with (state / "kiosk.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=REPO, stdout=log, stderr=log)
        try:
            yield state, process
        finally:
            process.terminate()
            process.wait(20)


def answering(state: Path, process: subprocess.Popen[bytes]) -> api.AdminClient:
    client = api.AdminClient(state / "run" / api.ADMIN_SOCKET)
    for _ in range(300):
        assert process.poll() is None, (state / "kiosk.log").read_text()
        try:
            client.status()
        except api.KioskAway:
            time.sleep(0.2)
        else:
            return client
    pytest.fail("the daemon did not come up")


def decided(client: api.AdminClient, outcome: str, method: str = "") -> api.Decision:
    after, until = 0, time.monotonic() + 60
    while time.monotonic() < until:
        for one in client.decisions(after, 2.0):
            after = one.number
            if one.outcome == outcome and (not method or one.method == method):
                return one
    pytest.fail(f"nothing was {outcome} by {method}")


def test_the_daemon_keeps_what_it_knows_to_itself_and_dumps_no_core(kiosk: tuple[Path, subprocess.Popen[bytes]]) -> None:
    state, process = kiosk
    photograph = (platformdirs.user_cache_path("daka") / "weights" / "obama.jpg").read_bytes()
    with answering(state, process) as client, api.PeopleClient(state / "run" / api.ADMIN_SOCKET) as staff:
        client.add_person(NUMBER, NAME, "en", "hr")
        client.give_consent(NUMBER, "en", "consent", "hr")
        client.enrol(NUMBER, photograph, "hr")
        staff.set_pin(NUMBER, PIN, "hr")
        staff.add_badge(NUMBER, BADGE, "hr")
        assert decided(client, "punched", "face").name == NAME
        assert staff.change_pin(NUMBER, PIN, PIN[::-1]).outcome == "pin_changed"
        assert staff.pin(NUMBER, PIN[::-1]).outcome == "punched"
        assert staff.badge(BADGE).complete_by == ("face", "pin")
        staff.code("DAKA3:nobody-has-this")
        figures = client.metrics()
        assert "daka_punches_total 2" in figures
        assert not [word for word in (NAME, NUMBER, BADGE, client.people()[0].person) if word in figures]
        assert client.machine().health.attempt_median_s > 0
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(state / "run" / "kiosk-metrics.sock")), trust_env=False) as watcher:
            answers = [
                watcher.get(f"http://{host}/metrics").status_code for host in ("127.0.0.1:9465", "kiosk", "attacker.example")
            ]
            others = watcher.get("http://kiosk/v1/status").status_code
        assert (answers, others) == ([200, 200, 403], 404)
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert next(line.split()[4] for line in limits.splitlines() if line.startswith("Max core file size")) == "0"
    process.terminate()
    process.wait(20)
    opened = people.Directory(state / "people.db", keys.wrapping_key(state / "keys"))
    whole = opened.templates(embedder(opened)).whole
    opened.close()
    assert len(whole) == 1
    numbers = whole[0][1].tobytes()
    for path in (path for path in state.rglob("*") if path.is_file()):
        data = path.read_bytes()
        assert numbers[:16] not in data, path
        assert not [secret for secret in (PIN, PIN[::-1], BADGE) if secret.encode() in data], path
        if path.name not in ("people.db", "people.db-wal"):
            assert NAME.encode() not in data, path
            assert NUMBER.encode() not in data, path
    assert b"kiosk-1 is ready" in (state / "kiosk.log").read_bytes(), "the log is there to be looked into"


def embedder(opened: people.Directory) -> str:
    with opened.database.reading() as connection:
        (digest,) = connection.execute("SELECT embedder FROM template").fetchone()
    return str(digest)
