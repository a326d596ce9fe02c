"""Which papers count here: enrolments and grants that the enterprise's grant key has signed for this kiosk, and not over."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device import messages
from device.clock import Moment, Quality
from device.locks.errors import EnrolmentOver, GrantUnknown, LockNotEnrolled
from device.messages import lock as papers
from device.sentences import say

Paper = TypeVar("Paper", papers.Grant, papers.Enrolment)
Believed = Callable[[], tuple[Ed25519PublicKey, ...]]


@dataclass(frozen=True, slots=True)
class Approval:
    """A grant, and the bytes that the lock wants to see."""

    grant: papers.Grant
    data: bytes


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An enrolment, and its bytes."""

    enrolment: papers.Enrolment
    data: bytes


class Cabinet:
    """Reads the papers of the latest desired state anew each time: a few dozen, and they may change at any moment."""

    def __init__(self, sent: Callable[[], Iterable[messages.Grant]], believed: Believed, use_key: Ed25519PrivateKey) -> None:
        self._sent, self._believed, self.use_key = sent, believed, use_key
        self._thumbprint = papers.thumbprint(use_key.public_key())

    @property
    def kiosk_key(self) -> bytes:
        """The grant-use key's public half, 32 bytes."""
        return self.use_key.public_key().public_bytes_raw()

    def enrolment(self, lock: str) -> Enrolled:
        """How this kiosk is enrolled with the lock; the newest one counts. LockNotEnrolled if it is not."""
        found = [one for one in self._enrolments() if one.enrolment.lock == lock]
        if not found:
            raise LockNotEnrolled(say("lock.not_enrolled", lock=lock))
        return max(found, key=lambda one: (one.enrolment.epoch, one.enrolment.expires_at))

    def for_stamps(self, lock: str, now: Moment) -> Enrolled:
        """The enrolment, while it is good by what time it is here; LockNotEnrolled, EnrolmentOver."""
        found = self.enrolment(lock)
        if found.enrolment.expires_at <= _seconds(now):
            day = datetime.fromtimestamp(found.enrolment.expires_at, UTC).date()
            raise EnrolmentOver(say("lock.enrolment_over", lock=lock, day=day))
        return found

    def enrolled(self) -> tuple[str, ...]:
        """Every lock that may be paired with this kiosk."""
        return tuple(sorted({one.enrolment.lock for one in self._enrolments()}))

    def approvals(self, now: Moment) -> tuple[Approval, ...]:
        """Grants for this kiosk that are not over by what time it is here; the lock judges them by the server's."""
        grants = (Approval(grant, data) for grant, data in self._opened(papers.Grant))
        return tuple(one for one in grants if one.grant.kiosk == self._thumbprint and _seconds(now) < one.grant.expires_at)

    def approval(self, grant: str, now: Moment) -> Approval:
        """The one with this id, in hex; GrantUnknown if it is not here, or over."""
        found = next((one for one in self.approvals(now) if one.grant.id.hex() == grant), None)
        if found is None:
            raise GrantUnknown(say("lock.grant_unknown"))
        return found

    def _enrolments(self) -> Iterator[Enrolled]:
        for enrolment, data in self._opened(papers.Enrolment):
            if enrolment.kiosk_key == self.kiosk_key:
                yield Enrolled(enrolment, data)

    def _opened(self, kind: type[Paper]) -> Iterator[tuple[Paper, bytes]]:
        """What of the papers that were sent is of this kind and signed by a key that is believed."""
        keys = self._believed()
        for sent in self._sent():
            for key in keys:
                try:
                    data = base64.b64decode(sent.cose, validate=True)
                    paper = kind.opened(data, key)
                except (messages.MessageError, binascii.Error):
                    continue
                yield paper, data
                break


def _seconds(now: Moment) -> float:
    """Since 1970; 0 where nobody knows the time, and nothing is over."""
    return now.at.timestamp() if now.quality is not Quality.UNSYNCED else 0.0
