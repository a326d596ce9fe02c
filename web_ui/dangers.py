"""Which changes of settings can hurt somebody, and how: asked again with the consequence named before they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

Hurts = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Danger:
    """A setting that would change, from what to what, and what follows from it in the reader's language."""

    setting: str
    before: Any
    after: Any
    consequence: str


def on(before: Any, after: Any) -> bool:
    return bool(after) and not before


def off(before: Any, after: Any) -> bool:
    return bool(before) and not after


def lower(before: Any, after: Any) -> bool:
    return bool(after < before)


def higher(before: Any, after: Any) -> bool:
    return bool(after > before)


def other(before: Any, after: Any) -> bool:
    return bool(before != after)


def shorter(before: Any, after: Any) -> bool:
    """Of times that are for ever at 0."""
    return bool(after != 0 and (before == 0 or after < before))


def longer(before: Any, after: Any) -> bool:
    return before != after and not shorter(before, after)


def later_in(*order: str) -> Hurts:
    """Of choices, from the strict one to the loose one; what is none of them, the kiosk will refuse."""
    return lambda before, after: after in order and order.index(after) > order.index(before)


def becomes(loose: str) -> Hurts:
    """Of choices of which one is loose."""
    return lambda before, after: after == loose != before


def renamed(before: Any, after: Any) -> bool:
    """A first name hurts nobody."""
    return bool(before) and before != after


def no_camera(before: Any, after: Any) -> bool:
    return bool(before != after and not str(after).startswith("device:"))


_ELSEWHERE = _("Records go to another server, or nowhere, until this fits again; what waits here stays here.")
_DESTROYED = _("From the next start on, what is older is destroyed for good.")
_KEPT_LONGER = _("Data of people stay longer than they may have been told; look at the consent text.")
_STRANGERS = _("More often somebody is taken for somebody else, and clocks in or out for them.")
_PICTURES = _("A picture or a screen that is held up passes more easily for a living person.")
_COPIED = _("Whoever copies or finds the badge or code clocks in for its owner.")
_UNREACHABLE = _("This web UI may be out of reach afterwards; only the kiosk's command line brings it back.")

RULES: dict[str, tuple[tuple[Hurts, Any], ...]] = {
    "device.site": ((renamed, _("Punches carry the new name from the next start on; those of before keep the old one for good.")),),
    "device.enterprise": ((renamed, _("The kiosk's screen and these pages call the enterprise so from the next start on.")),),
    "device.unlock": (
        (other, _("If what opens the templates is not there at the next start, no face is recognised until it is.")),
    ),
    "camera.source": ((no_camera, _("That is no camera: nobody before the kiosk is seen, and punches are marked as simulated.")),),
    "recognition.strangers_named": ((higher, _STRANGERS),),
    "recognition.min_margin": ((lower, _STRANGERS),),
    "recognition.votes": ((lower, _STRANGERS),),
    "recognition.nearest_lead": ((lower, _("With two people before the kiosk, the wrong one may be clocked in.")),),
    "liveness.passive": ((off, _PICTURES),),
    "liveness.challenge": ((later_in("always", "unsure", "never"), _PICTURES),),
    "liveness.challenge_steps": ((lower, _PICTURES),),
    "liveness.live_from": ((lower, _PICTURES),),
    "liveness.spoof_below": ((lower, _PICTURES),),
    "people.kiosks": ((other, _("Faces may go to other kiosks than people agreed to; the consent text names them.")),),
    "retention.templates_days": ((shorter, _DESTROYED), (longer, _KEPT_LONGER)),
    "retention.unrenewed_days": ((shorter, _DESTROYED), (longer, _KEPT_LONGER)),
    "retention.left_days": ((shorter, _DESTROYED), (longer, _KEPT_LONGER)),
    "retention.audit_days": ((lower, _("Who changed what may be known for a shorter time.")),),
    "journal.keep_days": (
        (lower, _("A server that lost its database gets back fewer records from here.")),
        (higher, _KEPT_LONGER),
    ),
    "journal.most_megabytes": ((lower, _("A server that lost its database gets back fewer records from here.")),),
    "ways.badge_completed_by": ((becomes("nothing"), _COPIED),),
    "ways.qr_completed_by": ((becomes("nothing"), _COPIED),),
    "attend.allow_simulated": (
        (on, _("Pictures from a file count like a camera: whoever can change the file clocks in anybody. Never for real work.")),
    ),
    "uplink.enabled": (
        (off, _("No record is sent; they wait here, and the enterprise sees nothing of this kiosk.")),
        (on, _("Records go to the server that is named here.")),
    ),
    **{
        f"uplink.{name}": ((other, _ELSEWHERE),)
        for name in ("host", "port", "ca", "certificate", "key", "server_key", "renew_url")
    },
    "uplink.policy_key": (
        (other, _("Whoever holds the private half of this key may change settings and people here, and erase them.")),
    ),
    "updates.window": ((becomes(""), _("A new version may be installed at any hour; for a minute nobody can clock in then.")),),
    "lock.grant_key": ((other, _("Whoever holds the private half of this key may have contract locks opened.")),),
    "web.enabled": (
        (
            off,
            _(
                "These pages end within seconds. Only the kiosk's command line brings them back: daka web on, as root on "
                "an appliance."
            ),
        ),
    ),
    "web.address": ((other, _UNREACHABLE),),
    "web.port": ((other, _UNREACHABLE),),
    "web.names": ((other, _UNREACHABLE),),
    "web.certificate": ((other, _UNREACHABLE),),
    "web.key": ((other, _UNREACHABLE),),
}  # fmt: skip


def of(before: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Danger]:
    """Those among the changes that need a second thought, in the order in which settings are shown."""
    found = []
    for name, after in changes.items():
        for hurts, consequence in RULES.get(name, ()):
            if before[name] != after and hurts(before[name], after):
                found.append(Danger(name, before[name], after, consequence))
    return found
