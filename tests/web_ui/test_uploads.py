"""Large files that administrators bring: room is looked for first, and what is kept lies where a disk is, without a name."""

from __future__ import annotations

import errno
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from tests.web_ui.running import alone
from web_ui import serve, uploads
from web_ui.roles import Role

ORIGIN = "https://localhost"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """An administrator's browser at the application itself; the kiosk daemon is away."""
    parts, app = alone(tmp_path_factory.mktemp("web"))
    app.config["WTF_CSRF_ENABLED"] = False
    with app.test_request_context():
        account = parts.accounts.add("ada", Role.ADMINISTRATOR, "correct horse battery", must_change=False)
    made = app.test_client()
    with made.session_transaction(base_url=ORIGIN) as session:
        session["_user_id"], session["_fresh"] = parts.sessions.begin(account, "127.0.0.1", "test").get_id(), True
    yield made
    parts.store.close()


def bring(client: FlaskClient, size: int, stream: io.BytesIO | None = None) -> tuple[int, str]:
    """Send so many bytes, or say so."""
    if stream is None:
        said = {"HTTP_ACCEPT_LANGUAGE": "en"}
        data = {"file": (io.BytesIO(bytes(size)), "b")}
        answer = client.post("/backups/restore", data=data, base_url=ORIGIN, environ_overrides=said)
    else:
        kind = "multipart/form-data; boundary=x"
        said = {"CONTENT_LENGTH": str(size), "HTTP_ACCEPT_LANGUAGE": "en"}
        answer = client.post("/backups/restore", input_stream=stream, content_type=kind, base_url=ORIGIN, environ_overrides=said)
    return answer.status_code, answer.get_data(as_text=True)


def test_a_file_for_which_there_is_no_room_is_read_and_dropped_and_a_page_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser whose upload is cut off shows its own error page, and nobody reads ours."""
    sent = io.BytesIO(bytes(3 * uploads.STEP_BYTES))
    real = shutil.disk_usage

    def nearly_full(path: object) -> Any:
        assert Path(str(path)).name == "own", "the disk that the file would lie on"
        return real(tempfile.gettempdir())._replace(free=uploads.SPARE_BYTES + 2 * uploads.STEP_BYTES)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: pytest.fail("something was kept"))
    status, page = bring(client, 3 * uploads.STEP_BYTES, sent)
    assert (status, "has no room for this file" in page) == (507, True)
    assert sent.tell() == 3 * uploads.STEP_BYTES


def test_a_file_beyond_every_limit_is_refused_with_the_limit(client: FlaskClient) -> None:
    status, page = bring(client, serve.MOST_BODY_BYTES + 1, io.BytesIO(b"the beginning"))
    assert (status, "may have 4 GB" in page) == (413, True)


def test_a_disk_that_fills_up_while_the_file_comes_is_said_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    status, page = bring(client, 2 * uploads.SMALL_BYTES)
    assert (status, "has no room for this file" in page) == (507, True)


def test_a_large_file_lies_in_the_daemons_own_folder_and_outlives_its_request(tmp_path: Path) -> None:
    with tempfile.TemporaryFile(dir=tmp_path) as spooled:
        spooled.write(b"sealed")
        kept = uploads.kept(FileStorage(spooled, "b"))
    assert list(tmp_path.iterdir()) == [], "it has no name"
    with kept:
        assert (uploads.size(kept), kept.read()) == (6, b"sealed")
    with uploads.kept(FileStorage(io.BytesIO(b"small"), "b")) as small:
        assert (uploads.size(small), small.read()) == (5, b"small")
