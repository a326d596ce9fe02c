"""What can go wrong between the kiosk and a lock: one class for each thing that somebody can do about it.

The message is a sentence for the administrator; `worth_retrying` says whether trying again by ourselves can help.
"""

from __future__ import annotations

from device.sentences import say


class LinkError(Exception):
    """Anything that can go wrong on the way to a lock."""

    worth_retrying = False


class BluetoothAway(LinkError):
    """No bluetoothd, or no adapter."""


class BluetoothOff(LinkError):
    """The adapter is switched off."""


class LockNotSeen(LinkError):
    """Its service was not heard within the scan window."""

    worth_retrying = True


class LockOutOfReach(LinkError):
    """Heard, but no connection came about, or it broke off at once."""

    worth_retrying = True


class LinkLost(LinkError):
    """The connection ended in the middle; whoever asks again does so with the same command id."""

    worth_retrying = True


class LockSilent(LinkError):
    """No answer within the time for one operation."""

    worth_retrying = True


class NotPaired(LinkError):
    """The lock wants a pairing first."""


class BondStale(LinkError):
    """This kiosk remembers a pairing that the lock has forgotten; only an administrator removes it."""


class PairingRefused(LinkError):
    """Somebody at the kiosk or at the lock said that the numbers differ, or nobody answered, or the lock offers no numbers."""


SENTENCES: dict[type[LinkError], str] = {
    BluetoothAway: "lock.bluetooth_away",
    BluetoothOff: "lock.bluetooth_off",
    LockNotSeen: "lock.not_seen",
    LockOutOfReach: "lock.out_of_reach",
    LinkLost: "lock.link_lost",
    LockSilent: "lock.silent",
    NotPaired: "lock.not_paired",
    BondStale: "lock.bond_stale",
    PairingRefused: "lock.pairing_refused",
}


def said(kind: type[LinkError]) -> LinkError:
    """The error with its sentence."""
    return kind(say(SENTENCES[kind]))
