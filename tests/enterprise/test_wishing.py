"""The commands that want something of kiosks, typed as an administrator types them, on both kinds of database."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from enterprise import downlink, keys, show
from enterprise.commands import main as commands
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import Kiosk
from tests.enterprise.test_downlink import NOW, hello, person


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The keys of whoever decides."""
    made = tmp_path / "keys"
    for role in ("policy", "grant"):
        keys.create(made, role)
    return made


@pytest.fixture
def heard(office: Office, kiosk: Kiosk) -> Kiosk:
    """A kiosk that is trusted and has said hello."""
    office.ingester.greet(kiosk.name, hello(kiosk))
    return kiosk


def call(address: str, *words: object) -> Result:
    return CliRunner().invoke(commands.daka_enterprise, [*(str(word) for word in words), "--database", address])


def done(address: str, *words: object) -> str:
    result = call(address, *words)
    assert result.exit_code == 0, result.exception
    return result.output


def wish(office: Office, device: str, section: str, item: str, content: dict[str, object]) -> None:
    with office.store.transaction() as transaction:
        downlink.wish(transaction, device, section, item, content, "hr:li", NOW)


def test_an_id_that_the_next_command_needs_is_whole_in_a_pipe(office: Office, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = f"attend.{'x' * 120}"
    wish(office, "kiosk-with-a-rather-long-name", "policy", long, {"value": "1"})
    shown = done(address, "desired", "show")
    assert any(long in line and "kiosk-with-a-rather-long-name" in line for line in shown.splitlines())


def test_and_folded_on_a_narrow_terminal() -> None:
    person_id = str(person(7)["person"])
    screen = io.StringIO()
    table = show.drawn("approvals", ("grant", "person", "lock", "kiosk", "until"), [(f"{7:032x}", person_id, "LOCK", "a", "b")])
    Console(file=screen, width=60).print(table)
    cells = [line.split("│")[1:3] for line in screen.getvalue().splitlines() if line.startswith("│")]
    assert "…" not in screen.getvalue()
    assert ["".join(cell[at].strip() for cell in cells) for at in (0, 1)] == [f"{7:032x}", person_id]
