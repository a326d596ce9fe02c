"""What the other daemons and the command line may ask of the kiosk daemon, and the clients that ask it over its unix sockets.

One socket for each kind of caller; who may open the file is the permission. No picture and no template is in any answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import httpx

from device import messages
from device.errors import DeviceError

HOST = "kiosk"  # the exact Host that the daemon answers to; anything else is another page's or program's request
ADMIN_SOCKET = "kiosk-admin.sock"
UPLINK_SOCKET = "kiosk-uplink.sock"
TIMEOUT_S = 10.0
ENROL_TIMEOUT_S = 60.0

Answer = TypeVar("Answer")


class KioskError(DeviceError):
    """Asking the kiosk daemon failed."""


class KioskAway(KioskError):
    """Nobody answers on the socket: the daemon is down, or this user may not ask."""


class KioskRefused(KioskError):
    """The daemon understood and said no; `kind` is the name of the reason, the text its sentence."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Person:
    """An employee; `person` is the opaque id of the records."""

    person: str
    number: str
    name: str
    language: str
    has_consent: bool
    templates: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A template was made; the picture it came from is gone."""

    person: str
    templates: int


@dataclass(frozen=True, slots=True)
class CardIssued:
    """A face card: `code` is the text of its QR code, and the only place where the template is."""

    person: str
    card: str
    code: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class ClaimTaken:
    """The kiosk waits for this person's face, and for nobody else's, for `lasts_s` seconds."""

    person: str
    lasts_s: float


@dataclass(frozen=True, slots=True)
class RateAt:
    """At this cosine: false matches of pairs, strangers named, enrolled people taken for another (-1: nobody has two templates);
    each with its upper 95 % limit."""

    threshold: float
    false_match: float
    false_match_high: float
    named: float
    named_high: float
    mistaken: float
    mistaken_high: float


@dataclass(frozen=True, slots=True)
class SiteEvaluated:
    """What this site's own templates say; `most_people` is how many may be searched at the rate `strangers_named`."""

    people: int
    templates: int
    pairs: int
    look_alikes: int
    strangers_named: float
    most_people: int
    searched: bool
    threshold: float
    rates: tuple[RateAt, ...]
    sizes: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one walk-up; `seq` and `hash` are the receipt, or (no hash) the earlier record of a repeated look."""

    number: int
    at: str
    outcome: str
    why: str
    person: str
    name: str
    direction: str
    votes: int
    score_band: int
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Status:
    """How the kiosk is.

    `clock_source` is whose time is followed: server, ntp, operator or none; `clock_disagrees_s` how far server and NTP are apart.
    `boot` changes with each start of the daemon; `camera` is the camera's own sentence, `trouble` the journal's ("" for none).
    """

    device: str
    boot: str
    epoch: str
    last: int
    head: str
    acknowledged: int
    kept_from: int
    camera_state: str
    camera: str
    simulated: bool
    waiting: str
    trouble: str
    decisions: int
    people: int
    templates: int
    public_key: str
    clock_quality: str
    clock_source: str = "none"
    clock_disagrees_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Verified:
    """The chain was walked and holds, from `kept_from` to `seq`.

    Of the punches among them, `times_corrected` are read at another time than the wall clock's, `times_to_review` need a person.
    """

    device: str
    epoch: str
    kept_from: int
    seq: int
    hash: str
    acknowledged: int
    public_key: str
    times_corrected: int
    times_to_review: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """After an acknowledgement: where the server stands, how it wants to be sent to, and whether it answers the latest hello."""

    upto: int
    window: int
    retry_after_ms: int
    answers_hello: bool


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One envelope ready for the broker and the record it ends with."""

    payload: bytes
    last: int


class Office(Protocol):
    """What can be asked about people and records: of the daemon through its socket, or of the files when it is down."""

    def people(self) -> tuple[Person, ...]: ...
    def add_person(self, number: str, name: str, language: str, by: str) -> Person: ...
    def give_consent(self, number: str, language: str, basis: str, by: str) -> Person: ...
    def withdraw_consent(self, number: str, by: str) -> Person: ...
    def enrol(self, number: str, photograph: bytes, by: str, look_alike_of: str = "") -> Enrolled: ...
    def issue_card(self, number: str, photograph: bytes, by: str, days: int) -> CardIssued: ...
    def revoke_cards(self, number: str, by: str) -> Person: ...
    def evaluate_site(self, by: str) -> SiteEvaluated: ...
    def punches(self, after: int) -> tuple[dict[str, Any], ...]: ...
    def status(self) -> Status: ...
    def verify(self) -> Verified: ...


class Client:
    """A caller of one unix socket of the kiosk daemon."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        transport = httpx.HTTPTransport(uds=str(socket))
        self._http = httpx.Client(transport=transport, base_url=f"http://{HOST}", timeout=TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _ask(self, method: str, path: str, *, timeout_s: float = TIMEOUT_S, **rest: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, timeout=timeout_s, **rest)
        except httpx.HTTPError as error:
            raise KioskAway(
                f"the kiosk daemon does not answer on {self._socket} ({type(error).__name__}); start it with `daka run`, "
                "or check that your user is in the socket's group"
            ) from error
        if response.is_error:
            raise _refusal(response)
        return response

    def _get(self, path: str, answer: type[Answer], *, timeout_s: float = TIMEOUT_S, **parameters: Any) -> Answer:
        return messages.CODEC.structure(self._ask("GET", path, params=parameters, timeout_s=timeout_s).json(), answer)

    def _post(self, path: str, answer: type[Answer], **fields: Any) -> Answer:
        return messages.CODEC.structure(self._ask("POST", path, json=fields).json(), answer)


def _refusal(response: httpx.Response) -> KioskRefused:
    try:
        body = response.json()
        return KioskRefused(str(body["kind"]), str(body["error"]))
    except (ValueError, KeyError, TypeError):
        return KioskRefused("unexpected", f"the kiosk daemon answered {response.status_code}; its log says why")


class AdminClient(Client):
    """The command line's side of kiosk-admin.sock."""

    def people(self) -> tuple[Person, ...]:
        """Everybody, by employee number."""
        return self._get("/v1/people", tuple[Person, ...])

    def add_person(self, number: str, name: str, language: str, by: str) -> Person:
        """A new employee, announced in the journal under an opaque id."""
        return self._post("/v1/people", Person, number=number, name=name, language=language, by=by)

    def give_consent(self, number: str, language: str, basis: str, by: str) -> Person:
        """Record that the current text in `language` was shown and agreed to."""
        return self._post("/v1/consent", Person, number=number, language=language, basis=basis, by=by)

    def withdraw_consent(self, number: str, by: str) -> Person:
        """Take a consent back; the template is destroyed before this returns."""
        return self._post("/v1/withdrawal", Person, number=number, by=by)

    def enrol(self, number: str, photograph: bytes, by: str, look_alike_of: str = "") -> Enrolled:
        """Make a template from a photograph (JPEG or PNG), which is used once and dropped.

        `look_alike_of`: number of somebody who looks like this person; from then on neither is clocked in by a face alone.
        """
        query = {"number": number, "by": by, "look_alike_of": look_alike_of}
        response = self._ask("POST", "/v1/enrolment", params=query, content=photograph, timeout_s=ENROL_TIMEOUT_S)
        return messages.CODEC.structure(response.json(), Enrolled)

    def issue_card(self, number: str, photograph: bytes, by: str, days: int) -> CardIssued:
        """A template for the person to carry as a QR code; the kiosk keeps none."""
        query = {"number": number, "by": by, "days": str(days)}
        response = self._ask("POST", "/v1/card", params=query, content=photograph, timeout_s=ENROL_TIMEOUT_S)
        return messages.CODEC.structure(response.json(), CardIssued)

    def revoke_cards(self, number: str, by: str) -> Person:
        """The person's face cards open no more."""
        return self._post("/v1/card-revocation", Person, number=number, by=by)

    def claim(self, number: str, kind: str) -> ClaimTaken:
        """Say whose face comes next; `kind`: number, badge, qr or pin."""
        return self._post("/v1/claim", ClaimTaken, number=number, kind=kind)

    def claim_card(self, code: str) -> ClaimTaken:
        """The same with a face card's code."""
        return self._post("/v1/card-claim", ClaimTaken, code=code)

    def evaluate_site(self, by: str) -> SiteEvaluated:
        """Measure this site's own templates; the threshold follows from it."""
        answer = self._ask("POST", "/v1/site-evaluation", json={"by": by}, timeout_s=600.0)
        return messages.CODEC.structure(answer.json(), SiteEvaluated)

    def punches(self, after: int) -> tuple[dict[str, Any], ...]:
        """Punch records after `after`, as they stand in the chain, each with `corrected`: its time as it should be read."""
        return self._get("/v1/punches", tuple[dict[str, Any], ...], after=after)

    def decisions(self, after: int, wait_s: float = 0.0) -> tuple[Decision, ...]:
        """Decisions after number `after`, waiting up to `wait_s` for the first."""
        return self._get("/v1/decisions", tuple[Decision, ...], timeout_s=TIMEOUT_S + wait_s, after=after, wait_s=wait_s)

    def status(self) -> Status:
        """How the kiosk is."""
        return self._get("/v1/status", Status)

    def verify(self) -> Verified:
        """Walk the chain; KioskRefused names the first record that does not hold."""
        return self._get("/v1/verify", Verified, timeout_s=600.0)


class UplinkClient(Client):
    """The uplink's side of kiosk-uplink.sock: records out, acknowledgements in, nothing else."""

    def hello(self) -> tuple[str, bytes]:
        """The epoch, and the signed greeting for a new connection with a nonce that the server's answer must repeat."""
        response = self._ask("GET", "/v1/hello")
        return response.headers["Daka-Epoch"], response.content

    def records(self, epoch: str, after: int, wait_s: float) -> Outgoing | None:
        """The next batch of `epoch` after record `after`, waiting up to `wait_s` for it; None if there is nothing to send.

        KioskRefused when the journal is in another epoch by now: say hello again.
        """
        query = {"epoch": epoch, "after": after, "wait_s": wait_s}
        response = self._ask("GET", "/v1/records", params=query, timeout_s=TIMEOUT_S + wait_s)
        return Outgoing(response.content, int(response.headers["Daka-Last"])) if response.status_code == 200 else None

    def acknowledge(self, payload: bytes) -> Cursor:
        """Hand over what the server said; KioskRefused if the kiosk daemon does not believe it."""
        return messages.CODEC.structure(self._ask("POST", "/v1/acknowledgement", content=payload).json(), Cursor)

    def state(self) -> bytes:
        """The retained state of this kiosk, as an envelope."""
        return self._ask("GET", "/v1/state").content

    def goodbye(self) -> bytes:
        """The state of this kiosk when it is not connected: the last will, as an envelope."""
        return self._ask("GET", "/v1/goodbye").content
