"""A restore that is cut off, or cannot begin: the next start goes on with it, or the kiosk is as it was."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from device import kiosk, messages, state
from device.backups import settling
from device.consent import Purpose
from tests.device import parts
from tests.device.backups.machines import (
    BY,
    KEYS_PASSPHRASE,
    PASSPHRASE,
    Machine,
    confirmed,
    lived_in,
    make_keys_cheap,
    new_machine,
    newest_first,
    stop,
)  # fmt: skip


@pytest.mark.parametrize("torn", ["ready.json", "opened/people.db", "opened/manifest.json"])
def test_a_restore_that_cannot_begin_is_given_up_and_the_kiosk_starts_as_it_was(
    machine: Machine, running: kiosk.Files, torn: str
) -> None:
    shelf = machine.shelf(running)
    aside = machine.bring(shelf.place / shelf.make(PASSPHRASE).name)
    running.directory.withdraw(parts.ADA, BY, tuple(Purpose), machine.clock.now().at)
    aside.look(PASSPHRASE)
    aside.make_ready(BY, confirmed(aside))
    stop(running)
    (aside.root / torn).write_bytes(b"torn" * 2_000)
    after = machine.start()
    assert not after.directory.get(parts.ADA).has_consent
    assert len(after.directory.list()) == 3
    assert not aside.root.exists()
    stop(after)


@pytest.fixture(scope="module")
def about_to(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a new machine that becomes kiosk 9 at its next start, and the key that it will have then."""
    root = tmp_path_factory.mktemp("about-to")
    with pytest.MonkeyPatch.context() as patched:
        make_keys_cheap(patched)
        old = new_machine(root)
        files = lived_in(old)
        shelf, fresh = old.shelf(files), Machine(state.Folder(root / "new"), parts.Clock(500.0))
        made = shelf.place / shelf.make(PASSPHRASE).name
        stop(fresh.start())
        aside = fresh.bring(made, shelf.keys(KEYS_PASSPHRASE))
        aside.make_ready(BY, aside.look(PASSPHRASE).key)
        stop(files)
    return fresh.folder.root, files.journal.public_key


@pytest.mark.parametrize("steps", range(1, 14))
def test_a_power_cut_in_the_middle_of_a_restore_leaves_it_to_the_next_start(
    about_to: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Cut at each rename in turn: the step after the cut is taken at the next start, and never twice."""
    shutil.copytree(about_to[0], tmp_path / "new")
    fresh = Machine(state.Folder(tmp_path / "new"), parts.Clock(500.0))
    taken = 0
    real = Path.replace

    class PowerCut(BaseException):
        pass

    def cut(self: Path, target: Path) -> Path:
        nonlocal taken
        taken += 1
        if taken == steps:
            raise PowerCut
        return real(self, target)

    monkeypatch.setattr(Path, "replace", cut)
    with contextlib.suppress(PowerCut):
        settling.settle(fresh.folder)
    monkeypatch.setattr(Path, "replace", real)
    after = fresh.start()
    assert len(after.directory.list()) == 3
    assert after.journal.public_key == about_to[1]
    reasons = [messages.parse(record.text)["body"].get("reason") for record in newest_first(after, "genesis")]
    assert reasons == ["restored_backup"]
    stop(after)
