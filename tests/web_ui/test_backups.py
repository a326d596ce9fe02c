"""Backups in the web UI: made, taken along, brought back with the consequences named. The kiosk of all pages restarts once."""

from __future__ import annotations

import ast
import re
import sqlite3
import stat
from pathlib import Path

import flask
import pytest
from click.testing import CliRunner
from flask_babel import Babel

from device import state
from device.backups import counter, opening, restoring, sealed, settling, shelf
from device.commands.main import daka
from tests.web_ui import running
from tests.web_ui.running import PASSWORD, Browser, Office, text_of
from web_ui import words

PASSPHRASE = "seven old harbour lamps"


@pytest.fixture(scope="module")
def administrator(office: Office, browsers: dict[str, Browser]) -> Browser:
    return running.signed_in(office, "administrator")


def restarted(office: Office) -> None:
    """The kiosk daemon has ended by itself; whoever keeps it running starts it again."""
    office.processes.pop("kiosk").wait(20)
    office.start("kiosk")
    office.wait()


def test_a_backup_is_made_taken_along_and_restored_with_its_consequences_named(office: Office, administrator: Browser) -> None:
    administrator.submit("/people/new", number="5000", name="Erased since")
    assert "No backup lies on this kiosk" in text_of(administrator.get("/backups"))
    typed = {"passphrase": PASSPHRASE, "again": PASSPHRASE, "current": PASSWORD}
    assert administrator.submit("/backups", **{**typed, "again": "something else"}).status_code == 422
    assert administrator.submit("/backups", **{**typed, "current": "not the password"}).status_code == 422
    weak = administrator.submit("/backups", **{**typed, "passphrase": "short", "again": "short"})
    assert "12 characters or more" in text_of(running.ended(administrator, weak.headers["location"]))
    made = running.ended(administrator, administrator.submit("/backups", **typed).headers["location"])
    assert "The backup is made" in text_of(made)
    address = re.findall(r'href="(/backups/daka-[^"]+)"', made.text)[0]
    file = administrator.get(address)
    assert int(file.headers["content-length"]) == len(file.content)
    assert file.content.startswith(sealed.MAGIC)
    assert b"Ada Lovelace" not in file.content
    removal = text_of(administrator.get(f"{address}/remove"))
    assert "Where it was not downloaded, nobody has it any more" in removal
    assert address in administrator.get("/backups").text, "it was only asked"
    assert "All backups on this kiosk are removed" in text_of(administrator.get("/people/5000/erase"))
    assert administrator.submit("/people/5000/erase", reason="asked", current=PASSWORD).status_code == 302
    assert "No backup lies on this kiosk" in text_of(administrator.get("/backups")), "it held whoever was erased"
    administrator.submit("/people/new", number="5001", name="After the backup")
    wrong = administrator.submit("/backups/restore", files={"file": ("b", file.content)}, passphrase="another passphrase")
    assert "the passphrase is not the one" in text_of(running.ended(administrator, wrong.headers["location"]))
    looked = administrator.submit("/backups/restore", files={"file": ("b", file.content)}, passphrase=PASSPHRASE)
    page = running.ended(administrator, looked.headers["location"])
    assert "stays erased: 1 people" in text_of(page)
    assert "go on as they are: none is lost" in text_of(page)
    assert administrator.send(page, current="not the password").status_code == 422
    assert administrator.get("/people/5001").status_code == 200, "nothing has changed yet"
    again = administrator.submit("/backups/restore", files={"file": ("b", file.content)}, passphrase=PASSPHRASE)
    newer = running.ended(administrator, again.headers["location"])
    other = administrator.send(page, current=PASSWORD)
    assert (other.status_code, "another backup was looked into since" in text_of(other)) == (422, True)
    assert administrator.send(newer, current=PASSWORD).status_code == 302
    restarted(office)
    assert administrator.get("/people/5001").status_code == 404
    assert administrator.get("/people/1001").status_code == 200
    assert administrator.get("/people/5000").status_code == 404, "erased stays erased"
    assert "Backup restored" in text_of(administrator.get("/audit"))


def test_the_command_line_makes_saves_and_restores(office: Office, tmp_path: Path) -> None:
    """Restored into the folder of a machine that does not run: it becomes that kiosk at its first start."""
    secret, file = tmp_path / "passphrase", tmp_path / "kiosk.backup"
    secret.write_text(PASSPHRASE + "\n", encoding="utf-8")

    def run(folder: Path, *command: str) -> str:
        done = CliRunner().invoke(daka, ["--state", str(folder), "backup", *command])
        assert done.exit_code == 0, done.output
        return done.output

    assert "lies on the kiosk" in run(office.folder.root, "make", str(file), "--passphrase-file", str(secret))
    assert file.read_bytes().startswith(sealed.MAGIC)
    listed = run(office.folder.root, "list").split()
    assert file.stat().st_size == int(listed[1])
    run(office.folder.root, "save", listed[2], str(tmp_path / "again.backup"))
    assert (tmp_path / "again.backup").read_bytes() == file.read_bytes()
    run(office.folder.root, "keys", str(tmp_path / "kiosk.keys"), "--passphrase-file", str(secret))
    for one in (file, tmp_path / "again.backup", tmp_path / "kiosk.keys"):
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, "nobody else is to try passphrases on it"
    (tmp_path / "new").mkdir()
    restore = ("restore", str(file), "--passphrase-file", str(secret), "--yes")
    refused = CliRunner().invoke(daka, ["--state", str(tmp_path / "new"), "backup", *restore])
    assert "daka backup restore FILE --keys KEYS" in str(refused.exception)
    said = run(tmp_path / "new", *restore, "--keys", str(tmp_path / "kiosk.keys"), "--keys-passphrase-file", str(secret))
    assert "records begin a new epoch" in said
    fresh = state.Folder(tmp_path / "new")
    settling.settle(fresh)
    with sqlite3.connect(fresh.people) as connection:
        assert connection.execute("SELECT name FROM person WHERE number = '1001'").fetchone() == ("Ada Lovelace",)
    connection.close()


def test_only_administrators_see_backups(browsers: dict[str, Browser]) -> None:
    for role in ("operator", "auditor"):
        assert "/backups" not in browsers[role].get("/").text
        for path in ("/backups", "/backups/restore", "/backups/daka-kiosk-7-20260101T000000Z.backup"):
            assert browsers[role].get(path).status_code == 403


def test_every_reason_against_a_backup_has_its_words() -> None:
    """As device.backups writes them; what is left out here would be shown in English."""
    trees = [ast.parse(Path(module.__file__ or "").read_text("utf-8")) for module in (counter, opening, restoring, sealed, shelf)]
    calls = [call for tree in trees for call in ast.walk(tree) if isinstance(call, ast.Call)]
    said = {
        call.args[0].value
        for call in calls
        if getattr(call.func, "id", "") == "BackupRefused" and isinstance(call.args[0], ast.Constant)
    }
    application = flask.Flask("words")
    Babel(application)
    with application.test_request_context():
        known = {str(sentence) for sentence in words.BACKUP_REFUSALS}
    assert len(said) > 9
    assert said <= known
