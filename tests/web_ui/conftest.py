"""Two running daemons with three accounts, once for all pages; and a store of its own for each unit test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask
import platformdirs
import pytest
from flask_babel import Babel

from models import manifest as manifests
from models import weights
from tests.web_ui import running
from tests.web_ui.running import Browser, Office
from web_ui.accounts import Accounts
from web_ui.store import Store


@pytest.fixture(scope="session")
def office() -> Iterator[Office]:
    with tempfile.TemporaryDirectory(prefix="daka-") as folder, running.office(Path(folder)) as found:
        yield found


@pytest.fixture(scope="session")
def browsers(office: Office) -> dict[str, Browser]:
    """One for each role, signed in; the first administrator came to be with the code on the kiosk's screen."""
    return running.everybody(office)


@pytest.fixture(scope="module")
def auditor(office: Office, browsers: dict[str, Browser]) -> Browser:
    """Signed in afresh: a file before may have ended the session of the shared one."""
    return running.signed_in(office, "auditor")


@pytest.fixture(scope="module")
def afresh(office: Office, browsers: dict[str, Browser]) -> dict[str, Browser]:
    """The same for all roles."""
    return {role: running.signed_in(office, role) for role in browsers}


@pytest.fixture(scope="session")
def photograph() -> bytes:
    """A sample photograph, digest checked."""
    return weights.read(platformdirs.user_cache_path("daka") / "weights", manifests.load().entry("obama"))


@dataclass
class Time:
    """A clock that stands until a test moves it."""

    at: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "web.db")
    yield found
    found.close()


@pytest.fixture
def accounts(store: Store, time: Time) -> Iterator[Accounts]:
    """Inside an application, because refusals are sentences in somebody's language."""
    app = flask.Flask("test")
    Babel(app)
    with app.test_request_context():
        yield Accounts(store, time)
