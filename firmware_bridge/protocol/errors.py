"""What the other end can do to us."""


class ProtocolError(Exception):
    """Something came that the profile does not allow."""


class FrameRefused(ProtocolError):
    """Fragments out of order, too long, or of another message: the whole message is dropped."""


class SessionRefused(ProtocolError):
    """The other end is not who it must be, or what came was changed, repeated or out of order: the session is over."""


class CommandRefused(ProtocolError):
    """A message inside a session that this version does not understand."""
