"""What can be wrong with a message; each class is a different thing for its reader to do."""


class MessageError(Exception):
    """Anything a message can do to us."""


class NotCanonical(MessageError):
    """A value that has no canonical form here: a float, a null, a huge integer, a non-ASCII key, text that is not JSON."""


class SchemaRefused(MessageError):
    """Well-formed, but not what the published schema describes; a server parks it, a kiosk does not record it."""


class TooLarge(MessageError):
    """Over the published size limit."""


class SignatureRefused(MessageError):
    """The signature, the hash or the chain does not hold: never to be used, always an alarm."""
