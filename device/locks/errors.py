"""What can be wrong with what is asked about contract locks; the message says what to do."""

from device.errors import DeviceError


class LocksError(DeviceError):
    """Anything that cannot be done about a contract lock."""


class LockNotEnrolled(LocksError):
    """The enterprise has not enrolled this lock at this kiosk."""


class EnrolmentOver(LocksError):
    """The enterprise's leave for this kiosk to use the lock has ended; the lock would refuse each approval."""


class GrantUnknown(LocksError):
    """There is no such approval here, or it is over."""


class NeverSeen(LocksError):
    """The person is known here by a photograph alone, which may be of anybody."""


class VisitUnknown(LocksError):
    """Nobody is at a lock under that ticket."""


class NotVerified(LocksError):
    """The person was not verified for this approval, or too long ago."""


class LogRefused(LocksError):
    """The lock's log does not continue what was known of it."""


class LogBehind(LocksError):
    """The lock has dropped events that another kiosk has brought to the enterprise, and this one has not read."""
