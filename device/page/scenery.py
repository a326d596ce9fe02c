"""The scene as it is now, put together from the kiosk's parts, and handed out when it changes."""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from device import api, camera, clock, database, journal
from device.config import Config
from device.errors import DeviceError
from device.page import scene
from device.page.scene import Health, Scene

log = logging.getLogger(__name__)

LEAST_ROOM_BYTES = 16 * 2**20  # SQLite needs some room to write one record and its log
LOOK_EVERY_S = 0.25  # decisions wake at once; for the rest of the scene this is soon enough
DISK_EVERY_S = 2.0


class Board(Protocol):
    """Where decisions are put up; device.line has the real one."""

    @property
    def count(self) -> int: ...
    @property
    def trouble(self) -> str: ...
    @property
    def waiting(self) -> str: ...
    @property
    def prompt(self) -> api.Prompt: ...
    def after(self, number: int, wait_s: float) -> tuple[api.Decision, ...]: ...


@dataclass(frozen=True)
class Parts:
    """What the scene is made from. `language_of` names a person's own language, `notice` what the screen says about the web UI,
    `notices` what the enterprise says to everybody, `sitting` how an enrolment before the camera goes, `has_new_text` whether a
    newer consent text asks a person again, `has_message` whether something is said to them alone, `locked` whether the templates
    wait for the server's share, `owed` whether a server is to have the records."""

    config: Config
    root: Path
    board: Board
    source: camera.Camera
    journal: journal.Journal
    clock: clock.Clock
    language_of: Callable[[str], str]
    notice: Callable[[], api.WebNotice]
    abilities: Callable[[], tuple[str, ...]]
    notices: Callable[[], tuple[str, ...]]
    sitting: Callable[[], api.Sitting]
    has_new_text: Callable[[str], bool] = lambda person: False
    has_message: Callable[[str], bool] = lambda person: False
    locked: Callable[[], bool] = lambda: False
    owed: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Stores:
    """What was last read from the disk: room for a record, what the server has not signed for, and since when it waits for one."""

    room_left: bool
    backlog: int
    waits_since: datetime | None


class Scenery:
    """Answers with the scene; safe to use from several threads."""

    def __init__(self, parts: Parts, shell: str) -> None:
        """`shell`: version of the page's own files; an open page of another version loads itself anew."""
        self._parts, self._shell = parts, shell
        self.boot = secrets.token_hex(8)
        self._mark_key = secrets.token_bytes(32)
        self._stores = Stores(True, 0, None)
        self._read_at_s = -DISK_EVERY_S

    def wait(self, boot: str, after: int, seen: str, wait_s: float) -> Scene:
        """The scene, as soon as it differs from `seen` or there are decisions after `after`; as it is when `wait_s` is over.

        `boot` is that of the scene which the caller has; without one it gets no old decisions.
        """
        if boot != self.boot:
            after = 0 if boot else self._parts.board.count
        deadline = time.monotonic() + wait_s
        while True:
            now = self.scene(after)
            left = deadline - time.monotonic()
            if now.decisions or boot != self.boot or now.digest() != seen or left <= 0:
                return now
            self._parts.board.after(after, min(LOOK_EVERY_S, left))

    def scene(self, after: int) -> Scene:
        """The scene now, with the decisions after number `after`."""
        parts, page, device = self._parts, self._parts.config.page, self._parts.config.device
        fresh = parts.board.after(after, 0.0)
        found = tuple(
            scene.shown(one, page.names, self._language_of, self._has_new_text, self._mark, parts.has_message)
            for one in fresh
            if scene.is_for_the_hall(one)
        )
        health = self._health()
        return Scene(
            boot=self.boot,
            shell=self._shell,
            at=health.now.at.isoformat(),
            title=device.enterprise,
            zone=device.time_zone,
            language=device.language,
            theme=page.theme,
            conditions=scene.conditions(health),
            backlog=health.backlog,
            waiting=parts.board.waiting,
            challenge=parts.board.prompt.action,
            count=fresh[-1].number if fresh else after,  # never the board's: it may be ahead of what is told here by now
            decisions=found,
            abilities=parts.abilities(),
            stays_s=page.result_s,
            change_s=self._parts.config.change_s,
            scramble=page.scramble_pin,
            speech=page.speech,
            notice=parts.notice(),
            notices=parts.notices() if page.messages else (),
            sitting=_sitting(parts.sitting()),
            contact=device.contact,
        )

    def waiting(self) -> str:
        """What the kiosk waits for at this moment."""
        return self._parts.board.waiting

    def _language_of(self, person: str) -> str:
        try:
            return self._parts.language_of(person)
        except DeviceError:  # erased meanwhile, or the disk fails: the page's own language will do
            return ""

    def _mark(self, person: str) -> str:
        return hmac.digest(self._mark_key, person.encode("utf-8"), "sha256").hex()[:16]

    def _has_new_text(self, person: str) -> bool:
        try:
            return self._parts.has_new_text(person)
        except DeviceError:
            return False

    def _health(self) -> Health:
        parts, stores = self._parts, self._stores_now()
        return Health(
            camera=parts.source.status(),
            simulated=parts.source.simulated,
            now=parts.clock.now(),
            room_left=stores.room_left,
            trouble=parts.board.trouble,
            backlog=stores.backlog,
            waits_since=stores.waits_since,
            locked=parts.locked(),
        )

    def _stores_now(self) -> Stores:
        if time.monotonic() - self._read_at_s >= DISK_EVERY_S:
            self._read_at_s = time.monotonic()
            self._stores = self._read()
        return self._stores

    def _read(self) -> Stores:
        room_left = has_room(self._parts.root)
        try:
            head, oldest, owed = self._parts.journal.head(), self._parts.journal.oldest_unacknowledged(), self._parts.owed()
        except database.StorageError as error:
            log.warning("how much waits for the server could not be read: %s", error)
            return Stores(room_left, self._stores.backlog, self._stores.waits_since)
        return Stores(room_left, head.seq - head.acknowledged, oldest if owed else None)


def _sitting(told: api.Sitting) -> scene.SittingShown:
    """Without the number: whose enrolment it is stands nowhere on the screen."""
    return scene.SittingShown(told.state, told.pose, told.done, told.of, told.hint, told.templates, told.said.name)


def has_room(root: Path) -> bool:
    """Whether the disk takes another record."""
    try:
        found = os.statvfs(root)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= LEAST_ROOM_BYTES
