"""The Updates page: exactly what an upgrade check says, its switch, and a signed release that is brought."""

from __future__ import annotations

import json

import device
from device import sentences
from tests.web_ui import running
from tests.web_ui.running import PASSWORD, Browser, Office, text_of

ARCHIVE = "daka-9.9.9-cp311-aarch64.tar"


def test_the_page_says_what_runs_and_the_five_things_that_a_check_would_say(auditor: Browser) -> None:
    page = text_of(auditor.get("/updates"))
    assert f"Runs now {device.__version__}" in page
    assert "has not joined an enterprise, so nobody is asked" in page
    five = ("Device model", "Operating system", "Software version", "Enterprise", "Network")
    table = page.partition("What Value")[2].partition("As it was sent last")[0]
    places = [table.index(f" {name} ") for name in five]
    assert all(place >= 0 for place in places)
    assert "Nothing has been sent" in page
    assert "Bring a signed release" not in page


def test_what_an_update_waits_for_is_on_the_page_until_it_is_there(office: Office, auditor: Browser) -> None:
    missing = sentences.say("update.key_missing", path="/etc/daka/update.key")
    office.folder.update.write_text(json.dumps({"waits": missing, "waits_said": sentences.parts(missing)}), encoding="utf-8")
    assert "/etc/daka/update.key is missing: sudo daka update key" in text_of(auditor.get("/updates"))
    office.folder.update.unlink()
    assert "update.key is missing" not in text_of(auditor.get("/updates"))


def test_the_upgrade_check_is_switched_from_its_page(browsers: dict[str, Browser]) -> None:
    administrator = browsers["administrator"]
    assert administrator.submit("/updates", form="updates.check").status_code == 302
    assert "Switch the upgrade check" in administrator.get("/updates").text
    assert "updates.check = Off" in text_of(administrator.get("/audit?kind=audit"))
    assert administrator.submit("/settings", form="updates.check").status_code == 302


def test_a_signed_release_is_brought_with_its_signature_and_nothing_else(office: Office, browsers: dict[str, Browser]) -> None:
    administrator = browsers["administrator"]
    assert running.signed_in(office, "operator").get("/updates/bring").status_code == 403

    def bring(archive: str, signature: str) -> str:
        files = {"archive": (archive, b"archive"), "signature": (signature, b"{}")}
        answer = administrator.submit("/updates/bring", files=files, current=PASSWORD)
        return text_of(administrator.get(answer.headers["location"]) if answer.status_code == 302 else answer)

    assert "another release" in bring(ARCHIVE, "daka-1.0.0-cp311-aarch64.tar.targets.json")
    assert "named like" in bring("notes.txt", "notes.txt.targets.json")
    assert "waits for its turn" in bring(ARCHIVE, f"{ARCHIVE}.targets.json")
    assert f"Waits for its turn {ARCHIVE}" in text_of(administrator.get("/updates"))
    assert (office.folder.brought_updates / ARCHIVE).read_bytes() == b"archive"
    assert "Release brought" in text_of(administrator.get("/audit?kind=audit"))
