"""The kiosk daemon's part in updates: it words what an upgrade check says, and decides when a new version may be installed.

It fetches nothing and installs nothing: the uplink fetches, root verifies and switches.
"""

from __future__ import annotations

import json
import platform
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time, tzinfo
from pathlib import Path

import cattrs
from flask import request

import device
from device import api, clock, messages
from device.api import serving
from device.api.serving import Route
from device.config import Config
from device.sentences import say

MODEL_FILE = Path("/proc/device-tree/model")  # on a Raspberry Pi; elsewhere the firmware's name of the board
BOARD_FILE = Path("/sys/class/dmi/id/product_name")
RELEASE_FILE = Path("/etc/os-release")
WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Kiosk:
    """What is asked before anything is said or decided."""

    config: Callable[[], Config]
    enterprise: Callable[[], str]
    network: Callable[[], str]
    occupied: Callable[[], bool]
    clock: clock.Clock
    zone: tzinfo | None
    standing: Path
    trouble: Callable[[], str]


class Upgrades:
    """Safe to use from several threads."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk, self._lock = kiosk, threading.Lock()
        self._told = api.UpgradeTold()
        self._asked = 0

    def orders(self) -> api.UpgradeOrders:
        """What the uplink may do now."""
        config = self._kiosk.config()
        chosen, address = config.updates, config.uplink.renew_url
        return api.UpgradeOrders(
            chosen.check and bool(address),
            chosen.fetch,
            address,
            self.body(),
            chosen.channel,
            device.__version__,
            f"{sys.version_info.major}.{sys.version_info.minor}",
            platform.machine(),
            self._asked,
            standing(self._kiosk.standing),
        )

    def body(self) -> str:
        """What an upgrade check says: these five things and nothing else."""
        facts = {
            "device_model": model(),
            "operating_system": operating_system(),
            "software_version": device.__version__,
            "enterprise_id": self._kiosk.enterprise(),
            "network_state": self._kiosk.network(),
        }
        return messages.canonical(facts).decode("utf-8")

    def hear(self, told: api.UpgradeTold) -> None:
        """What the uplink did."""
        self._told = told

    def ask(self) -> None:
        """A person wants a check now."""
        with self._lock:  # grows over a restart of this daemon as well, which the uplink may not have noticed
            self._asked = max(self._asked + 1, int(self._kiosk.clock.now().monotonic_us / 1_000))

    def shown(self) -> api.Upgrades:
        """How it stands."""
        orders, config = self.orders(), self._kiosk.config()
        now = self._kiosk.clock.now()
        zone, trouble = self._kiosk.zone, self._kiosk.trouble()
        waits = waits_for(config.updates.window, now, zone, occupied=self._kiosk.occupied(), trouble=trouble)
        return api.Upgrades(
            orders.running,
            config.updates.check,
            orders.fetch,
            orders.channel,
            config.updates.window,
            orders.url,
            orders.body,
            self._told,
            orders.standing,
            waits,
            api.reason(waits),
        )


def waits_for(window: str, now: clock.Moment, zone: tzinfo | None, *, occupied: bool, trouble: str = "") -> str:
    """Why nothing may be installed now; "" when it may: within the window, by a clock that is right, with nobody there.

    `trouble` is the journal's: the new version would be blamed for it.
    """
    if window and now.quality is clock.Quality.UNSYNCED:
        return say("wait.clock")
    if window and not is_within(window, now.at.astimezone(zone).time()):
        begins, _, ends = window.partition("-")
        return say("wait.window", begins=begins, ends=ends)
    if trouble:
        return say("wait.trouble", why=trouble)
    return say("wait.occupied") if occupied else ""


def is_within(window: str, local: time) -> bool:
    """Whether a time of day lies in HH:MM-HH:MM, which may go over midnight."""
    found = WINDOW.fullmatch(window)
    assert found, "config.Updates lets no other text through"
    begins, ends = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    return begins <= local < ends if begins < ends else local >= begins or local < ends


def model() -> str:
    """The board's own name, "unknown" where it has none."""
    for path in (MODEL_FILE, BOARD_FILE):
        try:
            return path.read_text("utf-8", errors="replace").strip(" \0\n")[:64] or "unknown"
        except OSError:
            continue
    return "unknown"


def operating_system(path: Path = RELEASE_FILE) -> str:
    """Such as Debian GNU/Linux 12 (bookworm)."""
    try:
        found = re.search(r'^PRETTY_NAME="?([^"\n]*)', path.read_text("utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        found = None
    return found[1][:64] if found else platform.system()


def standing(path: Path) -> api.UpdateStanding:
    """What root published last; nothing where it never has."""
    try:
        found = messages.CODEC.structure(json.loads(path.read_text("utf-8")), api.UpdateStanding)
        return replace(found, went_back=found.back_to == Path(sys.prefix).resolve().name)  # the folder of this very version
    except (OSError, ValueError, TypeError, cattrs.BaseValidationError):
        return api.UpdateStanding()


def uplink_routes(upgrades: Upgrades) -> tuple[Route, ...]:
    """What the uplink may ask and tell."""

    def tell() -> api.Done:
        upgrades.hear(messages.CODEC.structure(request.get_json(), api.UpgradeTold))
        return api.Done()

    return (Route("GET", "/v1/upgrade-orders", upgrades.orders), Route("POST", "/v1/upgrade-told", tell))


def office_routes(upgrades: Upgrades, record: Callable[[messages.Audit], object]) -> tuple[Route, ...]:
    """What pages, the command line and root may ask."""

    def ask() -> api.Done:
        (by,) = serving.json_fields("by")
        record(messages.Audit("upgrade_check_asked", by))
        upgrades.ask()
        return api.Done()

    return (Route("GET", "/v1/upgrades", upgrades.shown), Route("POST", "/v1/upgrade-check", ask))
