"""How this kiosk follows its enterprise, wired up: whom it believes, what it was told, and the settings in force through it."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from device import attend, clock, database, desired, downlink, keys, messages, policy, state, steward, trust
from device.config import Config

log = logging.getLogger(__name__)

RECORDED_AGAIN_AFTER = timedelta(hours=6)
TAKES_EFFECT_AT_ONCE = ("attend", "journal", "retention", "updates")


class Following:
    """Everything of the down-link that one kiosk daemon has."""

    def __init__(self, folder: state.Folder, own: Config) -> None:
        """`own`: the settings of the kiosk's own file, which the enterprise's policy goes on top of."""
        self.kept = desired.Kept(folder.desired)
        self.governed = policy.Governed(own, self.kept.content)
        self.believed = trust.Trust(folder.enterprise, own.uplink)
        self.down = downlink.Downlink(self.kept, own.device.id, self.believed, keys.sealing_key(folder.keys))

    def run(
        self,
        office: steward.Office,
        journal: steward.Journal,
        time_source: clock.Clock,
        rewind: Callable[[messages.Rewind], None],
        stop: threading.Event,
    ) -> None:
        """Apply desired states as they come, until `stop`."""
        self.down.refused = Refusals(journal, time_source).note
        wishes = steward.Steward(office, self.kept, journal, time_source, self.governed.settle, rewind)
        self.down.run(wishes.apply, stop)

    def notices(self) -> tuple[messages.Notice, ...]:
        """The enterprise's messages, each for whom this kiosk's records know under that id (empty: everybody)."""
        here = self.kept.aliases()
        return tuple(dataclasses.replace(one, person=here.get(one.person, one.person)) for one in self.kept.content.notices)


class Refusals:
    """Puts on record that a desired state was refused, now and then: whoever forges a thousand must not fill the journal."""

    def __init__(self, journal: steward.Journal, time_source: clock.Clock) -> None:
        self._journal, self._clock = journal, time_source
        self._last: clock.Moment | None = None

    def note(self) -> None:
        """One refusal."""
        now = self._clock.now()
        if self._last is not None and attend.elapsed(self._last, now) < RECORDED_AGAIN_AFTER:
            return
        self._last = now
        try:
            self._journal.append(messages.Audit("desired_state_refused", "uplink"), now)
        except database.StorageError as error:
            log.warning("that a desired state was refused could not be recorded: %s", error)


def needs_restart(running: Config, now: Config) -> bool:
    """Whether the settings differ in something that a daemon reads only when it starts."""
    return _lasting(running) != _lasting(now)


def _lasting(settings: Config) -> dict[str, object]:
    found = settings.model_dump(exclude=set(TAKES_EFFECT_AT_ONCE))
    return found | {"change_s": settings.change_s}
