"""The uplink's part in updates: asks the enterprise's own address what is offered, and fetches it, resumable and within bounds.

What was fetched is worth nothing until root has verified its signature on a copy of its own. What an upgrade check says is worded
by the kiosk daemon and sent as it is: five things, shown in the web UI, and switched off there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import re
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cattrs
import httpx

from device import api, durable, messages, release_files, tls_files
from device.errors import DeviceError
from device.sentences import say

log = logging.getLogger(__name__)

SUFFIX = ".targets.json"
MOST_ANSWER_BYTES = 1 << 18
MOST_METADATA_BYTES = 1 << 20
MOST_ARCHIVE_BYTES = 2 << 30
ROOM_FACTOR = release_files.ROOM_FACTOR + 1  # and this file
CHUNK_BYTES = 1 << 18
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.tar")
TIMEOUT_S = 20.0
DONE, MOST_DONE = "done.json", 20


class UpgradeFailed(DeviceError):
    """The check or the fetch did not come to its end; it is tried again. The message says why."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One release as the enterprise's server names it."""

    version: str
    python: str
    arch: str
    channel: str
    archive: str
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what is done; seconds."""

    look: float = 30.0  # for orders
    first: float = 600.0  # the first check comes somewhere within this time: a hall of kiosks starts at once
    check: float = 86_400.0
    again: float = 1_800.0  # after a failure
    tell: float = 5.0  # between two words on how far a fetch is


class Upgrader:
    """Keeps its files in `folder`: NAME.part while it comes, NAME and NAME.targets.json when all is there."""

    def __init__(self, kiosk: api.UpgradeClient, folder: Path, ca: Path, own: Path | None = None, pace: Pace | None = None) -> None:
        """`ca` vouches for the enterprise's server, `own` is this kiosk's certificate."""
        self._kiosk, self._folder, self._ca, self._own, self._pace = kiosk, folder, ca, own, pace or Pace()
        self._due = time.monotonic() + random.uniform(0.0, self._pace.first)
        self._asked: int | None = None
        self._told = api.UpgradeTold()
        self.unforeseen = 0  # exceptions that nobody expected, each logged

    def keep(self, stop: threading.Event) -> None:
        """Until `stop`; whatever goes wrong is said, and tried again later."""
        while not stop.is_set():
            try:
                self.step(stop)
            except api.KioskError as error:
                log.debug("the kiosk daemon has no orders: %s", error)
            except Exception:  # the records matter more than any update
                self.unforeseen += 1
                log.exception("an update could not be looked for")
                self._due = time.monotonic() + self._pace.again
            stop.wait(self._pace.look)

    def step(self, stop: threading.Event) -> None:
        """Look for orders, and follow them if it is time."""
        orders = self._kiosk.orders()
        wanted_now = self._asked is not None and orders.asked > self._asked
        self._asked = orders.asked
        self._clear(orders.standing)
        if not (orders.check and orders.fetch):
            self._give_up()
        if not orders.check or (time.monotonic() < self._due and not wanted_now):
            return
        self._due = time.monotonic() + self._pace.check * random.uniform(0.9, 1.1)
        try:
            self._follow(orders, stop)
        except (UpgradeFailed, durable.NotKept, OSError) as error:
            log.warning("update: %s", error)
            self._due = time.monotonic() + self._pace.again
            self._tell(outcome="failed", why=str(error))

    def _follow(self, orders: api.UpgradeOrders, stop: threading.Event) -> None:
        with self._client(orders.url) as http:
            offered = self._check(http, orders)
            found = chosen(offered, orders, self._in_vain(http, offered, orders.standing))
            if found is None:
                self._take_away()
                self._tell(outcome="nothing", why="", version="", got=0, length=0)
                return
            self._tell(outcome="offered", why="", version=found.version, got=0, length=found.length)
            if orders.fetch:
                self._fetch(http, found, stop)

    def _client(self, url: str) -> httpx.Client:
        try:
            http = httpx.Client(base_url=url, verify=tls_files.trusting(self._ca, self._own), timeout=TIMEOUT_S, trust_env=False)
        except (OSError, httpx.InvalidURL) as error:
            raise UpgradeFailed(say("upgrade.cannot_ask", url=url, why=type(error).__name__)) from error
        http.headers.clear()  # neither the program's name nor its version beyond what the body says
        return http

    def _check(self, http: httpx.Client, orders: api.UpgradeOrders) -> tuple[Offered, ...]:
        """Say the five things, and hear what is offered."""
        self._tell(sent=orders.body, to=orders.url, at=messages.write_time(datetime.now(UTC)), outcome="none", why="")
        raw = _whole(http, "POST", "/v1/upgrade-check", MOST_ANSWER_BYTES, orders.body.encode("utf-8"))
        try:
            listed = json.loads(raw)["releases"]
            return tuple(one for one in (messages.CODEC.structure(each, Offered) for each in listed) if _is_sane(one))
        except (ValueError, TypeError, KeyError, cattrs.BaseValidationError) as error:
            raise UpgradeFailed(say("upgrade.answer")) from error

    def _fetch(self, http: httpx.Client, offered: Offered, stop: threading.Event) -> None:
        """The signature, then the archive from where it broke off; ready when the signature lies there under its own name.

        What lies there already must be what is offered now, by its bytes: a mended release may have the name of a bad one.
        """
        path, part = self._folder / offered.archive, self._folder / f"{offered.sha256}.part"
        signature, where = path.with_name(path.name + SUFFIX), _where(offered)
        is_here = release_files.archive_of(release_files.mark(path)) == offered.sha256
        self._take_away(*((path, signature) if is_here else (part,)))
        metadata = _whole(http, "GET", where + SUFFIX, MOST_METADATA_BYTES)
        if not is_here:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take(http, where, offered, part, stop)
            if stop.is_set() or part.stat().st_size < offered.length:
                return
            self._accept(part, offered, path)
        if release_files.mark(path) != release_files.written(offered.sha256, metadata):
            durable.keep(signature, metadata)
        self._tell(outcome="fetched", got=offered.length)
        log.info("release %s is here; it is verified and installed in the time for maintenance", offered.version)

    def _give_up(self) -> None:
        """Switched off since: what was fetched is installed no more."""
        if self._take_away():
            self._tell(outcome="offered" if self._told.version else "none", got=0)

    def _take_away(self, *but: Path) -> bool:
        """What lies there goes, except what is wanted now: root would install what was withdrawn. Whether anything went."""
        found = [path for path in self._folder.iterdir() if path.name != DONE] if self._folder.is_dir() else []
        unwanted = sorted({*found} - {*but}, reverse=True)  # a signature stands after its archive, and goes first
        for path in unwanted:
            path.unlink()
        return bool(unwanted)

    def _take(self, http: httpx.Client, where: str, offered: Offered, part: Path, stop: threading.Event) -> None:
        got = part.stat().st_size if part.exists() else 0
        room = shutil.disk_usage(self._folder).free - (offered.length - got) - (ROOM_FACTOR - 1) * offered.length
        if room < release_files.SPARE_BYTES:
            wanted = ROOM_FACTOR * offered.length + release_files.SPARE_BYTES
            raise UpgradeFailed(say("upgrade.room", version=offered.version, wanted=wanted >> 20))
        headers, said = {"Range": f"bytes={got}-"} if got else {}, time.monotonic()
        if got >= offered.length:
            return
        try:
            with http.stream("GET", where, headers=headers) as response, part.open("ab") as file:
                if response.status_code != (206 if got else 200):
                    raise UpgradeFailed(say("upgrade.not_given", name=offered.archive, status=response.status_code))
                for chunk in response.iter_raw(CHUNK_BYTES):
                    if stop.is_set():
                        return
                    got += len(chunk)
                    if got > offered.length:
                        break
                    file.write(chunk)
                    if time.monotonic() - said >= self._pace.tell:
                        said = time.monotonic()
                        if not self._kiosk.orders().fetch:
                            raise UpgradeFailed(say("upgrade.switched_off"))
                        self._tell(outcome="fetching", got=got)
        except httpx.HTTPError as error:
            raise UpgradeFailed(say("upgrade.broke_off", version=offered.version, got=got, length=offered.length)) from error
        if got > offered.length:
            part.unlink()
            raise UpgradeFailed(say("upgrade.longer", name=offered.archive))

    def _accept(self, part: Path, offered: Offered, path: Path) -> None:
        """Whole and as offered; the signature is root's affair."""
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != offered.sha256:
            part.unlink()
            raise UpgradeFailed(say("upgrade.damaged", name=offered.archive))
        part.replace(path)
        durable.sync_folder(self._folder)

    def _clear(self, standing: api.UpdateStanding) -> None:
        """What root has tried goes, and is not fetched again: it runs, or did not hold, or was not signed."""
        for signature in list(self._folder.glob(f"*{SUFFIX}")):
            path = signature.with_name(signature.name.removesuffix(SUFFIX))
            if standing.has_tried(mark := release_files.mark(path)):
                durable.keep(self._folder / DONE, json.dumps([*self._done(), mark][-MOST_DONE:]).encode("ascii"))
                signature.unlink()
                path.unlink()

    def _in_vain(self, http: httpx.Client, offered: tuple[Offered, ...], standing: api.UpdateStanding) -> tuple[str, ...]:
        """The archives that need not come again: they did not hold, or were refused with the signature that is offered still."""
        done = {*self._done(), *standing.tried}
        met = [one for one in offered if one.sha256 in {release_files.archive_of(mark) for mark in done}]
        refused = []
        for one in met:
            with suppress(UpgradeFailed):
                signature = _whole(http, "GET", _where(one) + SUFFIX, MOST_METADATA_BYTES)
                refused += [one.sha256] if release_files.written(one.sha256, signature) in done else []
        return (*standing.not_held, *refused)

    def _done(self) -> tuple[str, ...]:
        with suppress(OSError, ValueError):
            return tuple(str(one) for one in json.loads((self._folder / DONE).read_text("ascii")))
        return ()

    def _tell(self, **changes: str | int) -> None:
        said = {"said": api.reason(str(changes["why"]))} if "why" in changes else {}
        self._told = replace(self._told, **changes, **said)  # type: ignore[arg-type]  # names and kinds are the dataclass's own
        with suppress(api.KioskError):
            self._kiosk.tell(self._told)


def chosen(offered: tuple[Offered, ...], orders: api.UpgradeOrders, done: tuple[str, ...]) -> Offered | None:
    """The newest that fits this kiosk, is newer than what runs, not below the floor, and was not tried in vain."""
    fits = [
        one
        for one in offered
        if (one.channel, one.python, one.arch) == (orders.channel, orders.python, orders.arch)
        and number(one.version) > number(orders.running)
        and number(one.version) >= number(orders.standing.floor or "0")
        and one.sha256 not in done
    ]
    return max(fits, key=lambda one: number(one.version), default=None)


def number(version: str) -> tuple[int, ...]:
    """A version as something to compare; () for one that is none, which is older than all."""
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() and len(part) <= 6 for part in parts) else ()


def _where(one: Offered) -> str:
    return f"/v1/releases/{one.channel}/{one.archive}"


def _is_sane(one: Offered) -> bool:
    """Nothing that could name a file elsewhere, or one without end."""
    return bool(
        NAME.fullmatch(one.archive)
        and re.fullmatch(r"[0-9a-f]{64}", one.sha256)
        and re.fullmatch(r"[a-z0-9-]{1,32}", one.channel)
        and 0 < one.length <= MOST_ARCHIVE_BYTES
        and number(one.version)
    )


def _whole(http: httpx.Client, method: str, where: str, most: int, content: bytes | None = None) -> bytes:
    """An answer of at most `most` bytes."""
    headers = {"Content-Type": "application/json"} if content is not None else {}
    try:
        with http.stream(method, where, content=content, headers=headers) as response:
            found = bytearray()
            for chunk in response.iter_raw(CHUNK_BYTES):
                found += chunk
                if len(found) > most:
                    raise UpgradeFailed(say("upgrade.too_much"))
    except httpx.HTTPError as error:
        raise UpgradeFailed(say("upgrade.server_away", why=type(error).__name__)) from error
    if response.status_code != 200:
        raise UpgradeFailed(say("upgrade.none", status=response.status_code))
    return bytes(found)
