"""What can go wrong at the reference lock; each message says what to do."""


class ReferenceLockError(Exception):
    """Anything that the reference lock cannot do."""


class StateBroken(ReferenceLockError):
    """The lock's folder is missing something or is damaged."""


class NotRunning(ReferenceLockError):
    """Nobody answers on the lock's control socket."""
