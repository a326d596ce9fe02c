"""What can go wrong between the kiosk and a lock: one class for each thing that somebody can do about it.

The message is a sentence for the administrator; `worth_retrying` says whether trying again by ourselves can help.
"""

from __future__ import annotations


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
    BluetoothAway: "there is no Bluetooth: check that bluetoothd runs and that an adapter is plugged in",
    BluetoothOff: "Bluetooth is switched off: switch it on with `bluetoothctl power on` or the switch of the device",
    LockNotSeen: "the lock was not heard: wake it with its button, bring it within two metres, check its battery",
    LockOutOfReach: "the lock was heard but could not be reached: bring it nearer, end other connections to it",
    LinkLost: "the connection to the lock broke off: bring it nearer and try again; a stamp is never made twice",
    LockSilent: "the lock did not answer in time: bring it nearer and try again; a stamp is never made twice",
    NotPaired: "the lock is not paired with this kiosk: pair it, with somebody at both who compares the numbers",
    BondStale: "the lock has forgotten this kiosk, or is another lock with its address: remove it here and pair it again",
    PairingRefused: "the pairing was refused: the numbers differed, nobody confirmed them in time, or the lock shows none",
}


def said(kind: type[LinkError]) -> LinkError:
    """The error with its sentence."""
    return kind(SENTENCES[kind])
