"""What can go wrong at a lock beyond the way to it; the message is a sentence for the person who asked."""


class LockError(Exception):
    """Anything that a lock, or what is asked of it, can do to us."""


class LockBusy(LockError):
    """One thing at a time."""


class LockUnknown(LockError):
    """This kiosk has no such lock."""


class DriverUnknown(LockError):
    """No driver of that name is installed."""


class LockRefused(LockError):
    """The lock understood and said no; `why` is its word."""

    def __init__(self, why: str, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


class NotStamped(LockError):
    """Nothing was counted, or nobody knows; `why` names the result."""

    def __init__(self, why: str, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


class NotThisLock(LockError):
    """The other end cannot prove the key that the enterprise has pinned."""


class SessionBroken(LockError):
    """The lock has proven itself, and the session with it is over; whoever asks again does so with the same command id."""


class NotUnderstood(LockError):
    """The lock answered something else than was asked."""


class JobUnknown(LockError):
    """Nothing of that id is under way."""


class NobodyCompares(LockError):
    """Nobody is asked to compare numbers at the moment."""


class MemoryBroken(LockError):
    """The bridge's own file cannot be read or written."""
