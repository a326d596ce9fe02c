"""A self-test of the way to the server: asked for in the web UI, run by the uplink, watched by whoever asked.

The kiosk daemon stands between the two: it connects nowhere, and neither does the web daemon.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from device import messages
from device.api.answers import Reason
from device.api.client import TIMEOUT_S, Client
from device.errors import DeviceError


class SelfTestRefused(DeviceError):
    """The test cannot be begun, or is not the one that is waited for; the message says why."""


@dataclass(frozen=True, slots=True)
class SelfTestStep:
    """One step as it came out; `verdict`: good, note or bad. `sentence`, `remedy` are English, for pages `said`, `remedy_said`."""

    check: str
    verdict: str
    sentence: str
    remedy: str = ""
    said: Reason = field(default_factory=Reason)
    remedy_said: Reason = field(default_factory=Reason)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How a self-test stands.

    `stage`: none (nobody has asked since the daemon's start), off (the uplink is switched off), waiting (for the uplink to take it
    up), running, ended, or unanswered (no uplink took it up, or it fell silent). `at` is when it was asked for, UTC.
    """

    number: int = 0
    stage: str = "none"
    at: str = ""
    steps: tuple[SelfTestStep, ...] = ()


class SelfTestRunner(Client):
    """The uplink's side: which test is wanted, and what came out, step by step."""

    def wanted(self, wait_s: float) -> int:
        """The number of a test that waits to be run, waiting up to `wait_s` for one; 0 for none."""
        return self._get("/v1/self-test-wanted", SelfTest, timeout_s=TIMEOUT_S + wait_s, wait_s=wait_s).number

    def tell(self, number: int, step: SelfTestStep) -> None:
        """One step has come out; KioskRefused if that test is no longer waited for."""
        self._ask("POST", "/v1/self-test-step", json={"number": number, "step": messages.CODEC.unstructure(step)})

    def end(self, number: int) -> None:
        """No step follows."""
        self._ask("POST", "/v1/self-test-end", json={"number": number})
