"""Style and script: kept by browsers for an hour, and never shown with pages of another version."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.web_ui import running
from web_ui import app as web

HERE = "https://localhost"


def named(folder: Path) -> dict[str, str]:
    """The files that a page names, and under which address; all of them are there."""
    parts, app = running.alone(folder)
    client = app.test_client()
    page = client.get("/first", base_url=HERE).text
    found = {path.partition("?")[0]: path for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page)}
    for path in found.values():
        answer = client.get(path, base_url=HERE)
        assert answer.status_code == 200, path
        assert f"max-age={web.STATIC_FOR_S}" in answer.headers["Cache-Control"]
    parts.store.close()
    return found


def test_after_an_upgrade_no_page_is_shown_with_the_style_or_script_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = named(tmp_path / "before")
    assert {"/static/daka.css", "/static/live.js"} <= set(before)
    shutil.copytree(web.STATIC, tmp_path / "static")
    monkeypatch.setattr(web, "STATIC", tmp_path / "static")
    assert named(tmp_path / "same") == before
    (tmp_path / "static" / "daka.css").write_text("body { color: red; }", "utf-8")
    after = named(tmp_path / "after")
    assert after["/static/daka.css"] != before["/static/daka.css"]
    assert after["/static/live.js"] == before["/static/live.js"]
