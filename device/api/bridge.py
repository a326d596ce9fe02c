"""The two sockets between the kiosk daemon and the lock's bridge: who asks what of whom.

bridge-kiosk.sock: the kiosk asks the bridge to do something at a lock. kiosk-bridge.sock: the bridge, at work, asks the kiosk
daemon for what only that may give: signatures, grants, the server's word, and a place for the lock's events. No key ever passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from device.api.answers import Reason
from device.api.client import TIMEOUT_S, Client

BRIDGE_SOCKET = "bridge-kiosk.sock"
KIOSK_BRIDGE_SOCKET = "kiosk-bridge.sock"
SCAN_S = 10.0
STATEMENT_S = 4.0  # how long the kiosk waits for the server's word before a lock has to do without
STILL, DONE, FAILED = "still", "done", "failed"


@dataclass(frozen=True, slots=True)
class LockHeard:
    """A lock that advertises; `lock` is its id where it is known here."""

    address: str
    name: str
    signal_dbm: int
    lock: str = ""


@dataclass(frozen=True, slots=True)
class LockShown:
    """A lock of this kiosk as it was when last spoken to; `seen_at` empty: never. `trouble` is the last failure's sentence
    (for pages: `said`)."""

    lock: str
    address: str
    driver: str
    name: str = ""
    model: str = ""
    firmware: str = ""
    battery: int = 0
    tampered: bool = False
    events: int = 0
    epoch: int = 0
    clock: str = "none"
    seen_at: str = ""
    trouble: str = ""
    busy: bool = False
    said: Reason = field(default_factory=Reason)


@dataclass(frozen=True, slots=True)
class BridgeStatus:
    """Bluetooth's trouble in a sentence, empty for none (for pages: `said`), and the locks."""

    bluetooth: str
    locks: tuple[LockShown, ...]
    said: Reason = field(default_factory=Reason)


@dataclass(frozen=True, slots=True)
class LockJob:
    """Something under way at a lock. `state`: still, done or failed; `stage` says what is being done, `why` names a failure.
    What came of it is `sentence`, for pages `said`.

    `number`: six digits that both displays show (stage compare); `seconds` are left for the press (stage press), which must come
    with the factor at the lock where `factor` says so; `used` of `stamps` are gone.
    """

    id: str
    lock: str
    work: str
    change: int = 0
    state: str = STILL
    stage: str = "waiting"
    why: str = ""
    sentence: str = ""
    number: str = ""
    seconds: int = 0
    factor: bool = False
    result: str = ""
    used: int = 0
    stamps: int = 0
    said: Reason = field(default_factory=Reason)


@dataclass(frozen=True, slots=True)
class LockPapers:
    """What a session with a lock needs, but for the signature: base64 of keys and papers. Events after number `after` are wanted,
    with a head for `nonce`."""

    lock: str
    lock_key: str
    kiosk_key: str
    enrolment: str
    after: int
    nonce: str


@dataclass(frozen=True, slots=True)
class UsePapers:
    """The grant, and the kiosk's word about the person for this session and command; base64."""

    grant: str
    use: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The lock's log is here, verified and on record, up to this number."""

    upto: int


@dataclass(frozen=True, slots=True)
class Text:
    """One text, such as base64 of a signature; empty where there is none."""

    text: str


class BridgeClient(Client):
    """The kiosk daemon's side of bridge-kiosk.sock."""

    WHO = "what.bridge"

    def status(self) -> BridgeStatus:
        """How Bluetooth and the locks are."""
        return self._get("/v1/status", BridgeStatus)

    def heard(self) -> tuple[LockHeard, ...]:
        """Every lock that advertises nearby; takes as long as a scan."""
        return self._get("/v1/heard", tuple[LockHeard, ...], timeout_s=TIMEOUT_S + SCAN_S)

    def pair(self, lock: str, address: str) -> LockJob:
        """Pair with `lock` at `address`; the job shows the number to compare."""
        return self._post("/v1/pairing", LockJob, lock=lock, address=address)

    def compare(self, job: str, same: bool) -> LockJob:
        """What the person at the kiosk sees: the same number, or another."""
        return self._post("/v1/comparison", LockJob, job=job, same="yes" if same else "no")

    def begin(self, lock: str, work: str, argument: str = "") -> LockJob:
        """Begin `test`, `stamp` (argument: the visit's ticket), `log`, `identify`, `rename` (the name) or `remove`."""
        return self._post("/v1/job", LockJob, lock=lock, work=work, argument=argument)

    def end(self, job: str) -> LockJob:
        """Stop waiting for the press, or for whatever it is."""
        return self._post("/v1/end", LockJob, job=job)

    def job(self, job: str, after: int = -1, wait_s: float = 0.0) -> LockJob:
        """How it goes, once it has changed after `after` or the time is up."""
        return self._get("/v1/job", LockJob, timeout_s=TIMEOUT_S + wait_s, job=job, after=after, wait_s=wait_s)


class KioskForBridge(Client):
    """The bridge's side of kiosk-bridge.sock."""

    def papers(self, lock: str) -> LockPapers:
        """KioskRefused if the enterprise has not enrolled this lock here."""
        return self._get("/v1/papers", LockPapers, lock=lock)

    def sign_session(self, lock: str, transcript: str) -> Text:
        """The kiosk's signature for a session with this lock; `transcript` is base64 of 32 bytes."""
        return self._post("/v1/session", Text, lock=lock, transcript=transcript)

    def statement(self, lock: str, challenge: str) -> Text:
        """The server's word for this session, or an empty text where the server cannot be reached in time."""
        answer = self._ask("POST", "/v1/statement", json={"lock": lock, "challenge": challenge}, timeout_s=TIMEOUT_S + STATEMENT_S)
        return Text(str(answer.json()["text"]))

    def use(self, ticket: str, lock: str, challenge: str, command: str) -> UsePapers:
        """Grant and use for a visit whose person was verified; KioskRefused if that was too long ago, or never."""
        return self._post("/v1/use", UsePapers, ticket=ticket, lock=lock, challenge=challenge, command=command)

    def keep(self, lock: str, events: tuple[str, ...], head: str, nonce: str) -> Kept:
        """Put the lock's events on record; KioskRefused if they are no unbroken, signed log."""
        answer = self._ask("POST", "/v1/events", json={"lock": lock, "events": list(events), "head": head, "nonce": nonce})
        return Kept(int(answer.json()["upto"]))
