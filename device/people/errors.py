"""What can be wrong with a change to the directory; whatever is refused leaves everything as it was."""

from __future__ import annotations

from device.errors import DeviceError


class PeopleError(DeviceError):
    """A change to the directory that is refused; nothing of it was kept."""


class NumberTaken(PeopleError):
    """That employee number belongs to somebody already."""


class PersonUnknown(PeopleError):
    """Nobody here has that id or number."""


class ConsentMissing(PeopleError):
    """No template, and no matching, without a consent in force."""


class PersonErased(PeopleError):
    """That opaque id was erased; nothing brings it back."""


class PinRefused(PeopleError):
    """A PIN that may not be used; the message says why, and never the PIN."""


class CodeRefused(PeopleError):
    """A badge or QR code that cannot be given to this person."""


class ImportRefused(PeopleError):
    """A list of employees that cannot be read at all; nothing was looked at further."""
