"""What may be asked about contract locks on the admin and web sockets: approvals, visits, and what is done at a lock."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.api.answers import Reason
from device.api.bridge import SCAN_S, BridgeStatus, LockHeard, LockJob, Text
from device.api.client import TIMEOUT_S, Client

# The kiosk daemon asks the bridge, which may hang: it has to give up, and say who hangs, before whoever asks the daemon does.
ASKS_S = TIMEOUT_S + 5.0


@dataclass(frozen=True, slots=True)
class LockApproval:
    """What somebody may stamp: `stamps` in all, `used` as far as is known here; `person` is the id that this kiosk knows them by.

    `factors`: face, pin and at_lock, joined by +.
    """

    grant: str
    lock: str
    person: str
    name: str
    label: str
    document: str
    stamps: int
    used: int
    not_before: str
    expires_at: str
    factors: str


@dataclass(frozen=True, slots=True)
class LockVisit:
    """One person's way to one stamp. `stage`: verify (`missing` says face or pin), then the stages of the job, done or failed:
    `why` names it, `sentence` says it (for pages: `said`).

    Ask again with `after` = `change` to be told of the next change.
    """

    ticket: str
    grant: str
    lock: str
    label: str
    change: int
    stage: str
    missing: str
    why: str
    sentence: str
    seconds: int
    factor: bool
    result: str
    used: int
    stamps: int
    said: Reason = field(default_factory=Reason)


@dataclass(frozen=True, slots=True)
class LocksHere:
    """The bridge's state (`away`: it does not answer, in a sentence), the locks, and those that may be paired."""

    away: str
    bridge: BridgeStatus
    enrolled: tuple[str, ...]


class LocksClient(Client):
    """The asking side."""

    def here(self) -> LocksHere:
        """How Bluetooth and the locks are."""
        return self._get("/v1/locks", LocksHere, timeout_s=ASKS_S)

    def key(self) -> str:
        """This kiosk's grant-use key, for `daka-enterprise lock enrol`."""
        return self._get("/v1/locks/key", Text).text

    def heard(self) -> tuple[LockHeard, ...]:
        """Locks that advertise nearby; takes as long as a scan."""
        return self._get("/v1/locks/heard", tuple[LockHeard, ...], timeout_s=ASKS_S + SCAN_S)

    def pair(self, lock: str, address: str, by: str) -> LockJob:
        """Begin pairing; the job shows a number to compare."""
        return self._post_slowly("/v1/locks/pairing", LockJob, ASKS_S, lock=lock, address=address, by=by)

    def compare(self, job: str, same: bool) -> LockJob:
        """What the person at the kiosk sees."""
        return self._post_slowly("/v1/locks/comparison", LockJob, ASKS_S, job=job, same="yes" if same else "no")

    def begin(self, lock: str, work: str, argument: str, by: str) -> LockJob:
        """Begin test, log, identify, rename or remove."""
        return self._post_slowly("/v1/locks/job", LockJob, ASKS_S, lock=lock, work=work, argument=argument, by=by)

    def job(self, job: str, after: int = -1, wait_s: float = 0.0) -> LockJob:
        """How a job goes."""
        return self._get("/v1/locks/job", LockJob, timeout_s=ASKS_S + wait_s, job=job, after=after, wait_s=wait_s)

    def approvals(self) -> tuple[LockApproval, ...]:
        """What may be stamped here now."""
        return self._get("/v1/locks/approvals", tuple[LockApproval, ...])

    def visit(self, grant: str) -> LockVisit:
        """Choose an approval; its person has a minute to be verified."""
        return self._post("/v1/locks/visit", LockVisit, grant=grant)

    def progress(self, ticket: str, after: int = -1, wait_s: float = 0.0) -> LockVisit:
        """How the visit goes."""
        return self._get("/v1/locks/visit", LockVisit, timeout_s=TIMEOUT_S + wait_s, ticket=ticket, after=after, wait_s=wait_s)

    def end(self, ticket: str) -> LockVisit:
        """Stop: nothing is stamped that was not pressed."""
        return self._post("/v1/locks/visit-end", LockVisit, ticket=ticket)
