"""Whether a stamp may be made: every check of a grant and of its use, in one pure function."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.messages import MessageError
from device.messages import lock as papers
from device.messages.lock import MOST_OFFLINE_S, Factor, thumbprint
from device.messages.lock.papers import public_key
from firmware_bridge.protocol.commands import Arm, Time
from firmware_bridge.protocol.hour import Hour

EARLY_S = 60  # a grant counts this much before its time: clocks of servers differ


@dataclass(frozen=True, slots=True)
class Bench:
    """What the lock knows when it judges."""

    lock: str
    grant_key: Ed25519PublicKey
    kiosk_key: bytes
    challenge: bytes
    epoch: int
    forgotten: int
    hour: Hour


@dataclass(frozen=True, slots=True)
class Approved:
    """The grant holds and the person was verified for it; `factor`: the press must come with the factor at the lock."""

    grant: papers.Grant
    use: papers.Use
    factor: bool


def judge(arm: Arm, bench: Bench) -> Approved | str:
    """Approved, or the word for why not (commands.WHY). How many stamps are gone is not judged here."""
    try:
        grant = papers.Grant.opened(arm.grant, bench.grant_key)
    except MessageError:
        return "signature"
    if why := _grant_complaint(grant, bench):
        return why
    try:
        use = papers.Use.opened(arm.use, public_key(bench.kiosk_key))
    except MessageError:
        return "use"
    if why := _use_complaint(use, grant, arm.command, bench):
        return why
    return Approved(grant, use, bool(grant.factors & Factor.AT_LOCK) or bench.hour.source is not Time.STATED)


def _grant_complaint(grant: papers.Grant, bench: Bench) -> str:
    hour = bench.hour
    complaints = (
        (grant.lock != bench.lock, "lock"),
        (grant.kiosk != thumbprint(public_key(bench.kiosk_key)), "kiosk"),
        (grant.epoch < bench.epoch, "epoch"),
        (grant.dual_control, "dual_control"),
        (hour.source is Time.NONE, "time_unknown"),
        (hour.earliest + EARLY_S < grant.not_before, "not_yet"),
        (hour.latest >= grant.expires_at, "expired"),
        (grant.expires_at <= bench.forgotten, "expired"),  # its counts are forgotten, perhaps: whatever time it is told to be
        (hour.source is not Time.STATED and grant.expires_at - grant.issued_at > MOST_OFFLINE_S, "offline"),
    )
    return next((why for holds, why in complaints if holds), "")


def _use_complaint(use: papers.Use, grant: papers.Grant, command: bytes, bench: Bench) -> str:
    at_kiosk = grant.factors & ~Factor.AT_LOCK
    complaints = (
        (use.grant != grant.id or use.command != command or use.challenge != bench.challenge, "use"),
        (use.person != grant.person, "person"),
        (use.document != grant.document, "document"),
        (use.factors & at_kiosk != at_kiosk, "use"),
    )
    return next((why for holds, why in complaints if holds), "")
