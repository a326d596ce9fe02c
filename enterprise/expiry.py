"""Certificates of our own side that end soon: an alarm while there is time. Without them no kiosk is heard, and none can renew.

Whatever else is an alarm by time alone is looked at in the same turn.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from enterprise.store import Store, StoreError, Transaction

log = logging.getLogger(__name__)

SOON = timedelta(days=30)
EVERY_S, AGAIN_S = 24 * 3_600, 60


@dataclass(frozen=True, slots=True)
class Life:
    """From when until when a certificate is good."""

    begins: datetime
    ends: datetime

    @property
    def warns_at(self) -> datetime:
        """A month before the end; with a short life, when a quarter of it is left: something renews it by itself."""
        return self.ends - min(SOON, (self.ends - self.begins) / 4)


def life_of(certificate: Path) -> Life:
    """As its file says."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return Life(found.not_valid_before_utc, found.not_valid_after_utc)


class Watch:
    """Looks once a day, and at once when it hears of another certificate; `also` is done then, too."""

    def __init__(self, store: Store, now: Callable[[], datetime], *also: Callable[[Transaction, datetime], None]) -> None:
        self._store, self._now, self._also = store, now, also
        self._lives: dict[str, Life] = {}
        self._due_s = 0.0

    def know(self, name: str, life: Life) -> None:
        """The certificate with which `name` is seen now."""
        if self._lives.get(name) != life:
            self._lives[name], self._due_s = life, 0.0

    def look(self) -> None:
        """Raise an alarm for each that ends soon; a database that is away only delays it."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + EVERY_S
        now = self._now()
        soon = {name: life.ends for name, life in self._lives.items() if life.warns_at <= now}
        try:
            if soon:
                self._tell(soon, now)
            for look in self._also:
                with self._store.transaction() as transaction:
                    look(transaction, now)
        except Exception as error:
            self._due_s = time.monotonic() + AGAIN_S
            if not isinstance(error, StoreError):
                raise  # to whoever tells a person of what nobody has thought of
            log.warning("what becomes an alarm by time alone waits: %s", error)

    def _tell(self, soon: dict[str, datetime], now: datetime) -> None:
        with self._store.transaction() as transaction:
            for name, ends in soon.items():
                said = f"its certificate ends on {ends.date()}: daka-enterprise authority renew {name} --dir PKI, then restart it"
                transaction.alarm(name, "", "certificate_ends", 0, said, now)
                log.warning("%s: %s", name, said)
