"""What the enterprise wants of this kiosk: believed if its policy key has signed it, opened with our key, applied in one place.

Only a place {generation, version} beyond the last one is taken, so nothing old can be replayed. A state is applied when all of its
pages are here; each part is done or named as a problem, and the journal has a record of the result. A disk that takes no writes is
waited for.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import database, desired, messages, trust
from device.errors import DeviceError
from device.messages import Content, Place

log = logging.getLogger(__name__)

AGAIN_S = 30.0  # after a disk that took no writes

Apply = Callable[[Place, Content], None]


class DesiredRefused(DeviceError):
    """A desired state that is not taken: forged, for somebody else, old, or unreadable. Nothing of it was used."""


class Downlink:
    """Takes pages from the uplink, and applies whole states in a thread of its own."""

    def __init__(self, kept: desired.Kept, device: str, believed: trust.Trust, secret: X25519PrivateKey) -> None:
        self.kept = kept
        self._device, self._trust, self._secret = device, believed, secret
        self.refused: Callable[[], None] = lambda: None  # told of each refusal
        self._news = threading.Event()
        self._news.set()  # what the last run left behind

    @property
    def sealing_key(self) -> str:
        """What the enterprise seals to, as the hello says it."""
        return messages.sealing_key_text(self._secret)

    def take(self, payload: bytes) -> Place:
        """Keep one page if it is believed and new; the place of its state. DesiredRefused says why not.

        The state that was applied last comes again with each connection, for the broker retains it: nothing happens.
        """
        try:
            page, _ = self._believed(payload)
            if page.place < self.kept.place:
                raise DesiredRefused(
                    f"state {page.generation}/{page.version} lies before {self.kept.place.generation}/{self.kept.place.version}, "
                    "which was applied here: an old one that was sent again"
                )
        except DesiredRefused:
            self.refused()
            raise
        if page.place > self.kept.place:
            self.kept.keep_page(page.place, page.page, payload)
            self._news.set()
        return page.place

    def _believed(self, payload: bytes) -> tuple[messages.Desired, Content]:
        try:
            page, data = messages.read_page(payload, self._device)
            if "key_set" in data:
                self._trust.follow(data["key_set"])
            messages.verify_page(data, self._trust.keys("policy"), self._device)
            return page, messages.open_page(page, self._device, self._secret)
        except messages.MessageError as error:
            raise DesiredRefused(f"a desired state is not believed: {error}") from error

    def run(self, apply: Apply, stop: threading.Event) -> None:
        """Apply whole states as they come, until `stop`."""
        while not stop.is_set():
            if not self._news.wait(1.0):
                continue
            self._news.clear()
            try:
                self.apply_whole(apply)
            except database.StorageError as error:
                log.error("a desired state waits for the disk: %s", error)
                self._news.set()
                stop.wait(AGAIN_S)
            except Exception:  # it stays here and is tried again at the next start; the kiosk goes on as before
                log.exception("a desired state could not be applied")

    def apply_whole(self, apply: Apply) -> bool:
        """Apply the newest state if all its pages are here; whether there was one."""
        pages = [self._believed(message) for message in self.kept.whole()]
        if not pages or len(pages) < pages[0][0].pages:
            return False
        place, content = pages[0][0].place, messages.joined(content for _, content in pages)
        apply(place, content)
        self.kept.applied(place, content)
        log.info("desired state %d/%d is applied", place.generation, place.version)
        return True
