"""A version that was just switched to holds only if its models answer as they have to, it sees, and its journal grows."""

from __future__ import annotations

import dataclasses
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import click.testing
import numpy as np
import pytest

from device import api, config, server, state, updates
from device.api.serving import Route
from device.commands import update_gate
from device.commands.context import Context
from models.arrays import Pixels, Vector
from models.embed import Embedder

WELL = api.Status(
    device="kiosk-1", boot="b", epoch="e", last=12, head="", acknowledged=0, kept_from=1, camera_state="streaming",
    camera="The camera is working.", simulated=True, waiting="nobody", trouble="", decisions=0, people=0, templates=0,
    public_key="", clock_quality="synced",
)  # fmt: skip
Ask = Callable[..., click.testing.Result]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """The gate, asked of a kiosk daemon that is as `found` says; it loses no time on waiting for a better answer."""
    monkeypatch.setattr(update_gate, "AGAIN_S", 0.0)
    monkeypatch.setattr(update_gate, "monotonic", iter(range(0, 1_000_000, 10)).__next__)
    with tempfile.TemporaryDirectory(prefix="daka-") as name:
        folder, found = state.Folder(Path(name)), [WELL]
        routes = (Route("GET", "/v1/status", lambda: found[0]),)
        serving = server.serve(server.application("admin", routes), server.listen(folder.admin_socket), 2)
        thread = threading.Thread(target=serving.run, daemon=True)
        thread.start()

        def asked(now: api.Status, *words: str) -> click.testing.Result:
            found[0] = now
            return click.testing.CliRunner().invoke(update_gate.gate, ["--after", "11", *words], obj=Context(folder))

        yield asked
        serving.close()
        thread.join(5)


def refused(done: click.testing.Result) -> str:
    assert isinstance(done.exception, updates.UpdateFailed), done.output
    return str(done.exception)


def test_a_version_that_sees_writes_and_knows_faces_holds(ask: Ask) -> None:
    assert "holds" in ask(WELL).output


def test_a_version_holds_at_whatever_size_this_kiosk_looks_for_faces(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller picture puts a face by some pixels elsewhere, which is what was asked for."""
    small = config.Config(recognition=config.Recognition(working_width=96, working_height=96))
    monkeypatch.setattr(Context, "config", lambda self: small)
    assert "holds" in ask(WELL).output


def test_a_version_without_pictures_does_not_hold_unless_there_were_none_before(ask: Ask) -> None:
    away = dataclasses.replace(WELL, camera_state="away", camera="The camera is away.")
    assert "The camera is away" in refused(ask(away))
    assert "holds" in ask(away, "--blind").output


def test_a_version_that_has_recorded_nothing_does_not_hold(ask: Ask) -> None:
    assert "stands at 11" in refused(ask(dataclasses.replace(WELL, last=11)))
    assert "stands at 11" in refused(ask(dataclasses.replace(WELL, last=11), "--blind"))


def test_a_version_whose_journal_has_trouble_does_not_hold(ask: Ask) -> None:
    assert "the disk is full" in refused(ask(dataclasses.replace(WELL, trouble="the disk is full"), "--blind"))


def test_a_version_whose_models_run_and_answer_otherwise_does_not_hold(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Next morning it would have known nobody, however whole its files are."""
    embed = Embedder.embed

    def of_exchanged_colours(self: Embedder, chip: Pixels) -> Vector:
        return embed(self, np.ascontiguousarray(chip[:, :, ::-1]))

    monkeypatch.setattr(Embedder, "embed", of_exchanged_colours)
    assert "another vector" in refused(ask(WELL))


def test_a_version_whose_weights_are_not_whole_does_not_hold(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "weights", lambda self: tmp_path)
    assert "is missing" in refused(ask(WELL))
