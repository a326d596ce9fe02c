"""Whether anybody listens is looked up among processes that come and go."""

from __future__ import annotations

from pathlib import Path

import pytest

from device import privacy, sandbox
from tests.house.test_repository import REPOSITORY


def process(folder: Path, number: int, *targets: str) -> None:
    opened = folder / str(number) / "fd"
    opened.mkdir(parents=True)
    for place, target in enumerate(targets):
        (opened / str(place)).symlink_to(target)


def test_whoever_holds_a_microphone_open_is_named_and_nobody_else(tmp_path: Path) -> None:
    process(tmp_path, 7, "/dev/null", "/dev/snd/pcmC0D0p")
    (tmp_path / "8").mkdir()  # has ended: its files are gone
    (tmp_path / "self").symlink_to(tmp_path / "7")
    assert [one.outcome for one in sandbox.microphones(tmp_path)] == ["refused"]
    process(tmp_path, 4242, "/dev/null", "/dev/snd/pcmC1D0c")
    (found,) = sandbox.microphones(tmp_path)
    assert (found.outcome, found.how) == ("possible", "process 4242 does")


@pytest.mark.parametrize("unit", privacy.UNITS)
def test_the_twin_that_tries_runs_the_tries_alone(unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else it ran would write over the answer."""
    monkeypatch.setattr(sandbox, "UNITS", REPOSITORY / "systemd" / "units")
    monkeypatch.setattr(sandbox, "TRANSIENT", tmp_path)
    sandbox._write_twin(unit)
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file()).splitlines()
    (command,) = (row for row in written if row.startswith("Exec") and not row.endswith("=") and "Paths=" not in row)
    assert command.endswith(f"-m device.privacy {unit}")


def test_every_microphone_is_tried_and_one_that_opens_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "MICROPHONES", f"{tmp_path}/pcmC*D*c")
    monkeypatch.setattr(privacy, "FIRST_MICROPHONE", f"{tmp_path}/none")
    (listens,) = (probe for probe in privacy.probes("daka-display") if probe.sentence == "listen to a microphone")
    assert [one.outcome for one in privacy.tried("daka-display", [listens])] == ["absent"]
    (tmp_path / "pcmC0D0c").symlink_to("/nowhere/at/all")
    (tmp_path / "pcmC2D0c").touch()
    assert [one.outcome for one in privacy.tried("daka-display", [listens])] == ["possible"]
