"""A journal whose tail was cut off, its own cursor included, is found at the next hello, and the kiosk delivers again."""

from __future__ import annotations

import shutil
import sqlite3
import tomllib
from pathlib import Path

import pytest

from device import api
from device.demonstration import theatre
from device.demonstration.theatre import House, Theatre
from tests.e2e.play import Performance, run

CUT = 3


def moved(performance: Performance, folder: Path) -> House:
    """The kept demonstration in another folder, its files pointing there."""
    shutil.copytree(performance.folder, folder, ignore=shutil.ignore_patterns("*.sock", "*.pid"))
    for path in (folder / "kiosk" / "config.toml", folder / "broker" / "mosquitto.conf"):
        path.write_text(path.read_text("utf-8").replace(str(performance.folder), str(folder)), "utf-8")
    settings = tomllib.loads((folder / "kiosk" / "config.toml").read_text("utf-8"))
    return House(folder, settings["uplink"]["port"])


def alarms(house: House) -> str:
    return run("enterprise.commands.main", "show", "alarms", "--database", f"sqlite:///{house.database}").stdout


def newly_begun(house: House) -> int:
    """How many records are here of a journal that was begun because the one before lacked what the server has."""
    with sqlite3.connect(house.database) as connection:
        query = (
            "SELECT count(*) FROM record WHERE (device, epoch) IN "
            "(SELECT device, epoch FROM record WHERE kind = 'genesis' AND body LIKE '%forked_journal%')"
        )
        return int(connection.execute(query).fetchone()[0])


@pytest.mark.timeout(300)  # two starts of the kiosk daemon, and the demonstration before them
def test_a_cut_tail_is_found_by_the_server_and_what_follows_reaches_it(played: Performance, tmp_path: Path) -> None:
    house = moved(played, tmp_path / "moved")
    with sqlite3.connect(house.kiosk.journal) as connection:
        connection.execute("DELETE FROM record WHERE seq > (SELECT max(seq) FROM record) - ?", (CUT,))
        connection.execute("DELETE FROM acknowledged")
    assert "tail_cut" not in alarms(house)
    with Theatre(house), api.AdminClient(house.kiosk.admin_socket) as client:
        theatre.wait_for("the kiosk daemon answers", lambda: theatre.is_up(client), house)
        theatre.wait_for("the server notices", lambda: "tail_cut" in alarms(house) or "fork" in alarms(house), house, 40.0)
        theatre.wait_for("a new journal reaches the server", lambda: newly_begun(house) > 1, house, 60.0)
    assert "tail_cut" in alarms(house)
    assert list(house.kiosk.journal.parent.glob("journal.db.damaged-*"))
