"""A page without a kiosk: real routes and a real journal, before a board that a test writes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flask.testing import FlaskClient

from device import api, camera, config, journal, line
from device.page import address, application, routes, scenery, shell
from device.page.mirror import Mirror
from tests.device import parts

ADDRESS = address.Address("127.0.0.1:8460", "0b7c6b1e.a-token-of-this-boot-and-no-other")
NOTHING = api.WebNotice("", "", "", (), "")


def decision(number: int = 1, **other: object) -> api.Decision:
    """Ada clocked in."""
    plain = api.Decision(number, "2026-11-23T09:00:00.000000Z", "punched", "", parts.ADA, "王小明", "in", 3, 60, 7, "f" * 64)
    return api.Decision(**({name: getattr(plain, name) for name in plain.__slots__} | other))


@dataclass
class Stage:
    """`board` is written on by the test; `abilities` are what the kiosk can do."""

    root: Path
    opened: journal.Journal
    settings: config.Config = field(default_factory=config.Config)
    board: line.Board = field(default_factory=line.Board)
    clock: parts.Clock = field(default_factory=parts.Clock)
    abilities: tuple[str, ...] = ()
    notice: api.WebNotice = NOTHING
    owed: bool = False

    def __post_init__(self) -> None:
        self.source = camera.open_source("device:/dev/video99", self.clock)
        self.mirror = Mirror(lambda: self.clock.now().monotonic_us)
        self.shell = shell.load()
        self.scenery = scenery.Scenery(self._parts(), self.shell.version)

    def _parts(self) -> scenery.Parts:
        return scenery.Parts(
            config=self.settings,
            root=self.root,
            board=self.board,
            source=self.source,
            journal=self.opened,
            clock=self.clock,
            language_of=lambda person: "zh-CN",
            notice=lambda: self.notice,
            abilities=lambda: self.abilities,
            notices=lambda: ("The gate closes at six.",),
            sitting=api.Sitting,
            owed=lambda: self.owed,
        )

    def client(self) -> FlaskClient:
        """Asks the application without any guardian's header; see `ask`."""
        return application.application(routes.routes(self.shell, self.scenery, self.mirror), ADDRESS).test_client()


def headers(**other: str) -> dict[str, str]:
    """What the page sends."""
    return {"Host": ADDRESS.host, application.TOKEN_HEADER: ADDRESS.token} | {
        name.replace("_", "-"): value for name, value in other.items()
    }
