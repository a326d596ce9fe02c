"""The base of everything in this room that can go wrong and that a person can mend."""


class EnterpriseError(Exception):
    """Its text says what failed, why, and what to do; the command line shows it as it is."""
