"""Whether anybody listens is looked up among processes that come and go."""

from __future__ import annotations

from pathlib import Path

from device import sandbox


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
