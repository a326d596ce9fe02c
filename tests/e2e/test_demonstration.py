"""The demonstration does what it says, with nothing in the way."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tomllib
from pathlib import Path

import pytest

from tests.e2e.play import Performance, run

EXPECTED = [("1001", "in"), ("1002", "in"), ("1001", "out"), ("1002", "out")]


@pytest.fixture
def copy(played: Performance, tmp_path: Path) -> Path:
    """Its folder, to be broken."""
    return Path(shutil.copytree(played.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock")))


def heads(words: str) -> set[str]:
    return set(re.findall(r"\b[0-9a-f]{64}\b", words))


def verify_kiosk(folder: Path) -> tuple[int, str]:
    done = run("device.commands.main", "--state", str(folder / "kiosk"), "verify")
    return done.returncode, done.stdout + done.stderr


def verify_database(folder: Path) -> tuple[int, str]:
    done = run("enterprise.commands.main", "verify", "--database", f"sqlite:///{folder / 'enterprise.db'}", "kiosk-demo")
    return done.returncode, done.stdout + done.stderr


def test_every_decision_is_right(played: Performance) -> None:
    assert [scene["outcome"] for scene in played.result["played"]] == [
        "punched",
        "refused",
        "punched",
        "refused",
        "refused",
        "punched",
        "punched",
    ]
    assert [scene["number"] for scene in played.result["played"]] == ["1001", "1001", "1002", "stranger", "1001", "1001", "1002"]
    assert [scene["why"] for scene in played.result["played"]] == ["", "too_soon", "", "stranger", "liveness_failed", "", ""]
    assert played.code == 0
    assert played.result["right"] is True


def test_every_punch_lies_once_in_the_database(played: Performance) -> None:
    assert played.rows() == EXPECTED


def test_the_camera_daemon_listens_on_loopback_for_its_page_and_connects_nowhere_and_the_uplink_only_to_the_broker(
    played: Performance,
) -> None:
    daemons = {"kiosk", "uplink", "web"}
    assert set(played.result["watched"]) == daemons
    sockets = {name: {address for owner, address in played.result["sockets"] if owner == name} for name in daemons}
    settings = tomllib.loads((played.folder / "kiosk" / "config.toml").read_text("utf-8"))
    for name, section in (("kiosk", "page"), ("web", "web")):
        assert sockets[name] == {f"listening on addr(ip='127.0.0.1', port={settings[section]['port']})"}
    assert len(sockets["uplink"]) == 1
    assert {address.rsplit(":", 1)[0] for address in sockets["uplink"]} == {"127.0.0.1"}


def test_nothing_but_records_hellos_and_state_leaves_the_kiosk(played: Performance) -> None:
    assert set(played.result["messages"]) == {"att/v1/kiosk-demo/up/rec", "att/v1/kiosk-demo/up/hello", "att/v1/kiosk-demo/state"}
    assert played.result["records"] == played.result["verified"]["seq"]
    assert sum(played.result["bytes"].values()) < 64_000


def test_the_kiosk_and_the_database_agree_on_the_head(played: Performance) -> None:
    kiosk_code, kiosk_says = verify_kiosk(played.folder)
    database_code, database_says = verify_database(played.folder)
    assert (kiosk_code, database_code) == (0, 0), kiosk_says + database_says
    head = played.result["verified"]["hash"]
    assert head in heads(kiosk_says)
    assert head in heads(database_says)


def test_one_changed_byte_in_the_journal_is_found_and_named(copy: Path) -> None:
    with sqlite3.connect(copy / "kiosk" / "journal.db") as connection:
        connection.execute(
            "UPDATE record SET text = CAST(replace(CAST(text AS TEXT), '\"in\"', '\"im\"') AS BLOB) "
            "WHERE seq = (SELECT min(seq) FROM record WHERE kind = 'punch')"
        )
        (seq,) = connection.execute("SELECT min(seq) FROM record WHERE kind = 'punch'").fetchone()
    code, says = verify_kiosk(copy)
    assert code == 1
    assert f"record {seq}" in says


def test_one_changed_byte_in_the_database_is_found_and_named(copy: Path) -> None:
    with sqlite3.connect(copy / "enterprise.db") as connection:
        (seq,) = connection.execute("SELECT min(seq) FROM record WHERE kind = 'punch'").fetchone()
        connection.execute("UPDATE record SET body = replace(body, '\"in\"', '\"im\"') WHERE seq = ?", (seq,))
    code, says = verify_database(copy)
    assert code == 1
    assert re.search(rf"\b{seq}\b", says)
