"""A kiosk's clocks as a test wants them: a wall clock at 1970 or set wrong, a crystal that drifts, and the truth beside."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from device import clock
from device.messages import timeline

TRUE_START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def boot_id() -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16)))


@dataclass
class Machine:
    """`true_us` is what nobody in the kiosk knows; `wall_us` is what its clock says; both go on by `pass_`."""

    true_us: int = timeline.microseconds(TRUE_START)
    wall_us: int = 0
    monotonic_us: int = 5_000_000
    disciplined: bool = False
    drift_ppm: int = 0
    boot_id: str = field(default_factory=boot_id)

    def now(self) -> clock.Moment:
        quality = clock.Quality.SYNCED if self.disciplined else clock.Quality.UNSYNCED
        return clock.Moment(timeline.moment(self.wall_us), self.monotonic_us, self.boot_id, quality)

    def true(self) -> datetime:
        return timeline.moment(self.true_us)

    def pass_(self, seconds: float) -> None:
        """Time goes by; a machine under NTP's discipline follows it, another one its crystal."""
        counted = round(seconds * 1_000_000)
        self.true_us += counted
        crystal = counted if self.disciplined else counted + counted * self.drift_ppm // 1_000_000
        self.wall_us += crystal
        self.monotonic_us += crystal

    def step(self, by: timedelta) -> None:
        """Somebody sets the wall clock."""
        self.wall_us += by // timedelta(microseconds=1)

    def discipline(self) -> None:
        """NTP sets it right and holds it."""
        self.wall_us, self.disciplined = self.true_us, True

    def boot(self, seconds_off: float = 3_600.0) -> None:
        """Off for a while, then on again with a clock that knows nothing."""
        self.true_us += round(seconds_off * 1_000_000)
        self.wall_us, self.monotonic_us, self.disciplined, self.boot_id = 5_000_000, 5_000_000, False, boot_id()
