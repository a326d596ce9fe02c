"""What can be asked about the other kiosks of the site: answers, and the client on kiosk-admin.sock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from device import messages
from device.api.client import Client
from device.api.people import IMPORT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class SiteKeys:
    """A kiosk's name, the key that signs its packages and the one that packages for it are sealed to; public."""

    device: str
    signing_key: str
    sealing_key: str


@dataclass(frozen=True, slots=True)
class SitePackage:
    """A sealed package for one other kiosk: whose templates, and how many endings, are in it."""

    text: str
    people: int
    ended: int


@dataclass(frozen=True, slots=True)
class SiteRefusal:
    """Somebody of a package who was not taken, and why."""

    number: str
    why: str


@dataclass(frozen=True, slots=True)
class SiteTaken:
    """What came of a package: people taken, endings followed, who was left out and why, and who was found to look alike.

    `look_alikes` are employee numbers, in pairs: neither is clocked in by a face alone from now on.
    """

    sender: str
    people: int
    ended: int
    refused: tuple[SiteRefusal, ...]
    look_alikes: tuple[tuple[str, str], ...] = ()


class Site(Protocol):
    """Templates between the kiosks of a site."""

    def own_keys(self) -> SiteKeys: ...
    def sisters(self) -> tuple[SiteKeys, ...]: ...
    def trust(self, device: str, signing_key: str, sealing_key: str, by: str) -> tuple[SiteKeys, ...]: ...
    def export(self, device: str, by: str) -> SitePackage: ...
    def take(self, text: str, by: str) -> SiteTaken: ...


class SiteClient(Client):
    """The command line's side of it."""

    def own_keys(self) -> SiteKeys:
        """This kiosk's name and public keys."""
        return self._get("/v1/site-keys", SiteKeys)

    def sisters(self) -> tuple[SiteKeys, ...]:
        """The kiosks that this one believes."""
        return self._get("/v1/site-kiosks", tuple[SiteKeys, ...])

    def trust(self, device: str, signing_key: str, sealing_key: str, by: str) -> tuple[SiteKeys, ...]:
        """Believe another kiosk."""
        fields = {"signing_key": signing_key, "sealing_key": sealing_key, "by": by}
        return self._post("/v1/site-kiosks", tuple[SiteKeys, ...], device=device, **fields)

    def export(self, device: str, by: str) -> SitePackage:
        """A package for that kiosk."""
        answer = self._ask("POST", "/v1/site-package", json={"device": device, "by": by}, timeout_s=IMPORT_TIMEOUT_S)
        return messages.CODEC.structure(answer.json(), SitePackage)

    def take(self, text: str, by: str) -> SiteTaken:
        """Take a package from another kiosk."""
        answer = self._ask("POST", "/v1/site-arrival", json={"text": text, "by": by}, timeout_s=IMPORT_TIMEOUT_S)
        return messages.CODEC.structure(answer.json(), SiteTaken)
