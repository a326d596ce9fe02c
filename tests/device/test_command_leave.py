"""`sudo daka leave`: whom the machine may reach stays pinned as long as the kiosk belongs to somebody, and no longer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from device import api, outlet, state
from device.commands import join
from device.commands.context import Context
from device.joining import JoinRefused

MEMBER = api.Joining("none", "kiosk-1", member="root of the old one", since="then")
NOBODYS = api.Joining("none", "kiosk-1")


@dataclasses.dataclass
class Daemon:
    """What the kiosk daemon answers: how it stands, and what `leave` comes to."""

    stands: api.Joining
    becomes: api.Joining
    fails: BaseException | None = None
    asked: int = 0

    def joining(self) -> api.Joining:
        return self.stands

    def leave(self, by: str) -> api.Left:
        self.asked += 1
        self.stands = self.becomes
        if self.fails is not None:
            raise self.fails
        return api.Left(3)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """An appliance's folders, whose hosts are pinned, and a person who is root."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    outlet.pin(tmp_path / "etc" / outlet.PINNED, ["broker.old"])
    config = tmp_path / "etc" / "config.toml"
    return Context(state.Folder(tmp_path / "kiosk", config, tmp_path / "run", layer=tmp_path / "settings" / "settings.toml"))


def leaves(context: Context, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> tuple[Result, tuple[str, ...] | None]:
    """What `daka leave` says, and what is pinned then."""

    @contextmanager
    def reached(_context: Context) -> Iterator[Daemon]:
        yield daemon

    monkeypatch.setattr(join, "joining", reached)
    said = CliRunner().invoke(join.leave, ["--yes"], obj=context)
    return said, outlet.pinned(context.folder.config.parent / outlet.PINNED)


def test_whoever_leaves_is_held_to_nobody_any_more(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    said, pinned = leaves(context, Daemon(MEMBER, NOBODYS), monkeypatch)
    assert (said.exit_code, pinned) == (0, None), said.output
    assert "3 people" in said.output


def test_what_somebody_left_without_root_is_finished_by_root(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon(NOBODYS, NOBODYS, JoinRefused("this kiosk has joined no enterprise"))
    said, pinned = leaves(context, daemon, monkeypatch)
    assert (said.exit_code, pinned, daemon.asked) == (0, None, 0), said.output
    assert "joined no enterprise" in said.output
    said, _ = leaves(context, daemon, monkeypatch)
    assert "joined no enterprise" in str(said.exception), "there is nothing to finish a second time"


@pytest.mark.parametrize("becomes", [NOBODYS, api.Joining("settling", "kiosk-1", member="root of the old one")])
def test_an_answer_that_is_late_pins_no_kiosk_that_has_left(
    context: Context, monkeypatch: pytest.MonkeyPatch, becomes: api.Joining
) -> None:
    said, pinned = leaves(context, Daemon(MEMBER, becomes, api.KioskAway("no answer within 120 s")), monkeypatch)
    assert isinstance(said.exception, api.KioskAway)
    assert pinned is None


@pytest.mark.parametrize("why", [api.KioskAway("no answer"), JoinRefused("the disk is full"), KeyboardInterrupt()])
def test_a_kiosk_that_stays_stays_with_whom_it_reaches(
    context: Context, monkeypatch: pytest.MonkeyPatch, why: BaseException
) -> None:
    said, pinned = leaves(context, Daemon(MEMBER, MEMBER, why), monkeypatch)
    assert (said.exit_code != 0, pinned) == (True, ("broker.old",))


def test_a_kiosk_that_is_not_heard_stays_with_whom_it_reaches(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon(MEMBER, MEMBER)

    def away() -> api.Joining:
        raise api.KioskAway("it is not running")

    monkeypatch.setattr(daemon, "joining", away)
    said, pinned = leaves(context, daemon, monkeypatch)
    assert isinstance(said.exception, api.KioskAway)
    assert pinned == ("broker.old",)
