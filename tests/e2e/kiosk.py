"""One kiosk daemon as its own process, before whose camera a test stages people and codes."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import platformdirs
import segno

from device import api, config, sight, state, walkups
from device.api import corrections
from device.demonstration import script, theatre

SAMPLES = platformdirs.user_cache_path("daka") / "weights"
WAIT_S = 40.0
GAP_S = 1.0


def wait_for(what: str, ready: Callable[[], object], seconds: float = WAIT_S) -> None:
    """Returns when `ready`; fails with `what` otherwise."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)


@dataclass
class Kiosk:
    """`more` is further configuration; `camera` another source than the stage; `language` that of its screen at rest."""

    root: Path
    more: str = ""
    camera: str = ""
    language: str = "zh-CN"
    port: int = field(default_factory=theatre.free_port)

    def __post_init__(self) -> None:
        self.folder, self.stage = state.Folder(self.root / "kiosk"), self.root / "stage"
        self.folder.root.mkdir(mode=0o700, parents=True)
        self.stage.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self.admin = api.AdminClient(self.folder.admin_socket)
        self.personnel = api.PeopleClient(self.folder.admin_socket)
        self.corrections = corrections.CorrectionsClient(self.folder.admin_socket)
        self._numbers = itertools.count(1)
        self._eyes: sight.Sight | None = None
        self.configure()

    def configure(self) -> None:
        """Write the settings; they count from the next start."""
        self.folder.config.write_text(
            f"""\
[device]
enterprise = "东方精密制造有限公司"
contact = "李主管 <8-1234>"
time_zone = "Asia/Shanghai"
language = "{self.language}"

[camera]
source = "{self.camera or f"stage:{self.stage}"}"

[models]
directory = "{SAMPLES}"

[attend]
min_gap_s = {GAP_S}
allow_simulated = true
change_within_s = 60.0
breaks = "always"

[page]
port = {self.port}

{self.more}
""",
            "utf-8",
        )

    def start(self) -> None:
        """Until it answers."""
        self._began = time.time()
        command = (
            sys.executable,
            "-m",
            "device.commands.main",
            "--log-level",
            "warning",
            "--state",
            str(self.folder.root),
            "run",
            "kiosk",
        )
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for("the kiosk daemon answers", self._is_up)

    def _is_up(self) -> bool:
        try:
            is_open = self.folder.page_address.exists() and self.folder.page_address.stat().st_mtime >= self._began - 0.1
            return self.admin.status().camera_state != "opening" and is_open
        except api.KioskAway:
            return False

    def stop(self) -> None:
        """In good order."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(20) == 0, (self.root / "log").read_text("utf-8")

    def kill(self) -> None:
        """As the kernel does it when memory is short."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @property
    def url(self) -> str:
        """The page's address with the token of this boot."""
        return self.folder.page_address.read_text("ascii").strip()

    def employ(self, number: str, name: str, language: str, pin: str = "", photograph: str = "") -> None:
        """Somebody who works here; with a photograph they agree to face recognition. The PIN is one of their own."""
        self.admin.add_person(number, name, language, "test")
        if photograph:
            self.admin.give_consent(number, language, "consent", "test")
            self.admin.enrol(number, (SAMPLES / photograph).read_bytes(), "test")
        if pin:
            self.assign_pin(number, "704815")
            self.personnel.change_pin(number, "704815", pin)

    def assign_pin(self, number: str, pin: str) -> None:
        """A PIN that has to be changed at first use."""
        self.personnel.set_pin(number, pin, "test")

    def walk_up(self, photograph: str, seconds: float = 8.0, **role: object) -> None:
        """Somebody comes before the camera, and stays long enough for a machine that has other work."""
        self.walk_up_together(script.Role(photograph, **role), seconds=seconds)  # type: ignore[arg-type]

    def walk_up_together(self, *roles: script.Role, seconds: float = 8.0) -> None:
        """Several people at once."""
        scene = script.Scene("", roles, "", "", seconds=seconds)
        self.play(script.walk_up(scene, SAMPLES, self.eyes(), next(self._numbers)))

    def eyes(self) -> sight.Sight:
        """Who finds the faces in the photographs that are staged."""
        self._eyes = self._eyes or sight.load(SAMPLES, config.Recognition())
        return self._eyes

    def play(self, walk: walkups.WalkUp) -> None:
        """Put people before the camera, after whoever is there."""
        walkups.write(walk, self.stage / f"{next(self._numbers):04}.toml")

    def hold_up(self, text: str, seconds: float = 4.0) -> None:
        """A printed QR code before the camera."""
        number = next(self._numbers)
        printed = self.root / f"code-{number}.png"
        code = np.array([[not dark for dark in row] for row in segno.make(text, micro=False).matrix], np.uint8) * 255
        framed = cv2.copyMakeBorder(code, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255,))
        large = cv2.resize(framed, None, fx=12, fy=12, interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(printed), cv2.cvtColor(large, cv2.COLOR_GRAY2BGR))
        side = float(large.shape[0])
        held = walkups.Person(
            photograph=printed,
            face=(0.0, 0.0, side, side),
            approach=(0.62, 0.62),
            path=((0.5, 0.5), (0.5, 0.5)),
            medium=walkups.Medium.SCREEN,
        )
        walkups.write(walkups.WalkUp(seconds=seconds, seed=number, person=(held,)), self.stage / f"{number:04}.toml")
        wait_for("the code was played", lambda: not (self.stage / f"{number:04}.toml").exists())

    def person_of(self, number: str) -> str:
        """Their opaque id."""
        return next(person.person for person in self.admin.people() if person.number == number)

    def punches(self, number: str) -> list[dict[str, object]]:
        """Bodies of their punches, oldest first, each with its `seq`."""
        person = self.person_of(number)
        return [punch["body"] | {"seq": punch["seq"]} for punch in self.admin.punches(0) if punch["body"]["person"] == person]
