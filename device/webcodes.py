"""Codes that only somebody in front of the kiosk can read: the first administrator's, one for whoever has lost a password, one for
whoever has the kiosk join an enterprise.

A code serves once, for ten minutes. Wrong tries make whoever asked wait, nobody else; the web daemon never learns a code, it only
asks whether one is right. One for joining counts for a single invitation, and the screen names whose that is. One for an account
that nobody in the hall may open is on no screen: root reads it at the console.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from device import api, membership, messages

FIRST = "first_administrator"
RECOVERY = "recovery"
JOIN = "join"
DIGITS = 8
GOOD_FOR_S = 10 * 60.0
MOST_TRIES = 1_000  # of 10**8, by whomever; then there is a new code. With few, a stranger would throw away what somebody is typing
MOST_BRAKES = 10_000
FIRST_DELAY_S, MOST_DELAY_S = 1.0, 60.0
CALM_S = 15 * 60.0  # after this long without a wrong try the delay starts small again


@dataclass(slots=True)
class _Code:
    """One code; it counts for `invited` alone, where it is for joining. `console`: it is on no screen, root reads it."""

    purpose: str
    account: str
    digits: str
    until_s: float
    invited: messages.Invitation | None = None
    tries: int = 0
    console: bool = False


@dataclass(slots=True)
class _Brake:
    """What one asker got wrong."""

    wrong: int = 0
    at_s: float = 0.0
    until_s: float = 0.0


class WebCodes:
    """What the kiosk's screen says about the web UI; `now_s` is a monotonic clock."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._code: _Code | None = None
        self._wants_first = False
        self._addresses: tuple[str, ...] = ()
        self._fingerprint = ""
        self._brakes: dict[tuple[str, str], _Brake] = {}

    def announce(self, addresses: tuple[str, ...], fingerprint: str, *, wants_first: bool) -> None:
        """The web daemon came up; it says whether it has no administrator yet."""
        with self._lock:
            self._addresses, self._fingerprint, self._wants_first = addresses, fingerprint, wants_first
            if not wants_first and self._code is not None and self._code.purpose == FIRST:
                self._code = None

    def ask_recovery(self, account: str, *, console: bool = False) -> None:
        """Show a code for this account, at the console alone if it is for there.

        One that is shown for it so already stays, and so does one of another purpose.
        """
        with self._lock:
            shown = self._fresh()
            if shown is None or (shown.purpose == RECOVERY and (shown.account, shown.console) != (account, console)):
                self._code = self._made(RECOVERY, account)
                self._code.console = console

    def ask_joining(self, invited: messages.Invitation) -> None:
        """Show a code for joining with this invitation, and whose it is; one that is on the screen for it already stays."""
        with self._lock:
            shown = self._fresh()
            if shown is None or shown.invited != invited:
                self._code = self._made(JOIN, invited.digest, invited)

    def end_joining(self) -> None:
        """Whoever gave up joining wants no code for it on the screen: another one could not be shown before it has run out."""
        with self._lock:
            if self._code is not None and self._code.purpose == JOIN:
                self._code = None

    def notice(self, *, console: bool = False) -> api.WebNotice:
        """What to show on the screen, or at the console; the code is empty while none is asked for."""
        with self._lock:
            shown = self._fresh()
            if shown is None or (shown.console and not console):
                return api.WebNotice("", "", "", self._addresses, self._fingerprint)
            said = api.WebNotice(shown.digits, shown.purpose, shown.account, self._addresses, self._fingerprint)
            return said if shown.invited is None else naming(said, shown.invited)

    def check(self, purpose: str, account: str, digits: str, asker: str = "") -> api.CodeChecked:
        """Whether this is the code on the screen; a wrong one makes this asker's next try wait, a right one is used up.

        `account`: for joining, the invitation's digest. `asker`: whoever types it, as the web daemon tells them apart.
        """
        with self._lock:
            now_s = self._now_s()
            brake = self._brake(purpose, asker, now_s)
            if now_s < brake.until_s:
                return api.CodeChecked(False, brake.until_s - now_s, looked_at=False)
            shown = self._fresh()
            if shown is None or (shown.purpose, shown.account) != (purpose, account):
                return api.CodeChecked(False, _delayed(brake, now_s))
            if hmac.compare_digest(shown.digits.encode(), digits.encode()):
                self._code, self._wants_first = None, False
                self._brakes.pop((purpose, asker), None)
                return api.CodeChecked(True, 0.0)
            shown.tries += 1
            if shown.tries >= MOST_TRIES:
                self._code = None
            return api.CodeChecked(False, _delayed(brake, now_s))

    def _brake(self, purpose: str, asker: str, now_s: float) -> _Brake:
        """Of this asker; who has been calm begins anew, and beyond ten thousand all others share one."""
        if len(self._brakes) >= MOST_BRAKES:
            self._brakes = {key: one for key, one in self._brakes.items() if now_s - one.at_s <= CALM_S}
        key = (purpose, asker)
        if key not in self._brakes and len(self._brakes) >= MOST_BRAKES:
            key = (purpose, "others")
        brake = self._brakes.setdefault(key, _Brake())
        if now_s - brake.at_s > CALM_S:
            brake.wrong = 0
        return brake

    def _fresh(self) -> _Code | None:
        """The code that is good now; the first administrator's is made anew for as long as there is none."""
        if self._code is not None and self._now_s() >= self._code.until_s:
            self._code = None
        if self._code is None and self._wants_first:
            self._code = self._made(FIRST, "")
        return self._code

    def _made(self, purpose: str, account: str, invited: messages.Invitation | None = None) -> _Code:
        return _Code(purpose, account, f"{secrets.randbelow(10**DIGITS):0{DIGITS}}", self._now_s() + GOOD_FOR_S, invited)


def _delayed(brake: _Brake, now_s: float) -> float:
    """How long this asker waits after one more wrong try, seconds."""
    brake.wrong, brake.at_s = brake.wrong + 1, now_s
    wait_s = min(FIRST_DELAY_S * 2.0 ** min(brake.wrong - 1, 10), MOST_DELAY_S)
    brake.until_s = now_s + wait_s
    return wait_s


def naming(notice: api.WebNotice, invited: messages.Invitation) -> api.WebNotice:
    """The same, with the enterprise that the code is about: whoever chose the invitation has no say in how it is named."""
    return replace(notice, account="", host=membership.host_of(invited.url), root_begins=invited.root_begins)
