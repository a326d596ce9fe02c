"""The uplink's part of a self-test that was asked for in the web UI: it alone may connect, and says each step as it comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from device import api, selftest
from device.api.selftest import SelfTestRunner, SelfTestStep
from device.findings import Finding

log = logging.getLogger(__name__)

QUESTION_S = 20.0
RETRY_S = 2.0


class Runner:
    """Runs the tests that are wanted: with `alone` the uplink's own connection keeps away for those seconds."""

    def __init__(
        self,
        kiosk: api.UplinkClient,
        asked: SelfTestRunner,
        way: Callable[[], selftest.Way],
        alone: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._kiosk, self._asked, self._way, self._alone = kiosk, asked, way, alone

    def keep(self, stop: threading.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            try:
                self.take(QUESTION_S)
            except api.KioskError as error:
                log.debug("no self-test can be asked for: %s", error)
                stop.wait(RETRY_S)

    def take(self, wait_s: float) -> bool:
        """Run the test that is wanted, waiting up to `wait_s` for one; whether there was one."""
        number = self._asked.wanted(wait_s)
        if not number:
            return False
        log.info("self-test %d begins", number)
        with self._alone():
            for found in selftest.whole(self._way(), self._kiosk):
                self._asked.tell(number, step_of(found))
        self._asked.end(number)
        return True


def step_of(found: Finding) -> SelfTestStep:
    """A finding as it goes to the kiosk daemon."""
    said = api.reason(found.sentence), api.reason(found.remedy)
    return SelfTestStep(found.check, found.verdict.value, found.sentence, found.remedy, *said)
