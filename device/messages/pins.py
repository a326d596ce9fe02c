"""Which PINs may be one. The kiosk sees what a person chooses; of a roster's it sees a hash, so the enterprise asks the same."""

from __future__ import annotations

import enum
import itertools

PIN_DIGITS = range(6, 13)


class Weakness(enum.StrEnum):
    """Why it may not be one."""

    DIGITS = "digits"  # it has others than PIN_DIGITS of 0 to 9, which is what the pad takes
    EASY = "easy"  # one digit, or digits in a row: the first that anybody tries
    NUMBER = "number"  # the employee's own


def weakness(pin: str, number: str) -> Weakness | None:
    """Why this may be no PIN of the employee with this number; None if it may."""
    if not (pin.isascii() and pin.isdigit() and len(pin) in PIN_DIGITS):
        return Weakness.DIGITS
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        return Weakness.EASY
    if number and (pin == number or pin == number.zfill(len(pin))):
        return Weakness.NUMBER
    return None
