"""Updates that the enterprise offers: what the uplink may ask and fetch, what came of it, and how pages and root see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from device import messages
from device.api.answers import Reason
from device.api.client import Client
from device.errors import DeviceError


class ReleaseRefused(DeviceError):
    """A release that somebody brings cannot be one; nothing of it is kept. The message says why."""


@dataclass(frozen=True, slots=True)
class UpdateStanding:
    """What root last did with a release. `outcome`: none, trying, holds, went_back or refused; `archive`: the file that it was.

    `before` runs again where `version` did not hold, `floor` is the oldest version that may run; `at` is RFC 3339 in UTC.
    `said`: `why` for pages. `tried`: marks (device.release_files) of what was tried. `not_held`: SHA-256 of archives that were
    signed and did not hold. `back_to`: what runs again since the last that did not hold; `went_back`: that it is what runs now,
    and not another one that somebody has installed by hand. `waits` (for pages `waits_said`): what has to be put right before
    anything is tried.
    """

    outcome: str = "none"
    version: str = ""
    before: str = ""
    at: str = ""
    why: str = ""
    said: Reason = field(default_factory=Reason)
    floor: str = ""
    archive: str = ""
    tried: tuple[str, ...] = ()
    not_held: tuple[str, ...] = ()
    waits: str = ""
    waits_said: Reason = field(default_factory=Reason)
    back_to: str = ""
    went_back: bool = False

    def has_tried(self, mark: str) -> bool:
        """Whether these very bytes were tried to their end, or this archive did not hold, whatever signs it now."""
        return mark in self.tried or mark.partition(":")[0] in self.not_held


@dataclass(frozen=True, slots=True)
class UpgradeOrders:
    """What the uplink may do. `body` is exactly what an upgrade check sends to `url` ("" while there is no address to ask).

    `asked` grows when a person wants a check now. Of what is offered, the newest of `channel` for this `python` and `arch` beyond
    `running` and not below the floor of `standing` is fetched, if `fetch` says so.
    """

    check: bool
    fetch: bool
    url: str
    body: str
    channel: str
    running: str
    python: str
    arch: str
    asked: int
    standing: UpdateStanding = UpdateStanding()


@dataclass(frozen=True, slots=True)
class UpgradeTold:
    """What the uplink did. `sent` is the body of the last upgrade check as it left, byte for byte; `to` and `at`: where and when.

    `outcome`: none, nothing (newer is offered), offered, fetching, fetched or failed; `why` a sentence for the last
    (for pages: `said`). `version` is what is offered, of which `got` of `length` bytes are here.
    """

    sent: str = ""
    to: str = ""
    at: str = ""
    outcome: str = "none"
    why: str = ""
    said: Reason = field(default_factory=Reason)
    version: str = ""
    got: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Upgrades:
    """All of it, for pages and for root. `waits_for`: why nothing may be installed at this moment, "" when it may
    (for pages: `waits_said`)."""

    running: str
    check: bool
    fetch: bool
    channel: str
    window: str
    address: str
    would_send: str
    told: UpgradeTold
    standing: UpdateStanding
    waits_for: str
    waits_said: Reason = field(default_factory=Reason)


class UpgradeClient(Client):
    """The uplink's side."""

    def orders(self) -> UpgradeOrders:
        """What may be done now."""
        return self._get("/v1/upgrade-orders", UpgradeOrders)

    def tell(self, told: UpgradeTold) -> None:
        """What was done."""
        self._ask("POST", "/v1/upgrade-told", json=messages.CODEC.unstructure(told))
