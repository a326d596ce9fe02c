"""What the kiosk daemon answers: no picture, no template, no key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from device import sentences


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence for a page in any language: its name among `device.sentences` ("" for a text that has none), what is filled in,
    and the same in English. `inner`: which of the values are such sentences themselves."""

    name: str = ""
    values: dict[str, str] = field(default_factory=dict)
    text: str = ""
    inner: dict[str, Reason] = field(default_factory=dict)


def reason(text: str) -> Reason:
    """What a daemon says, for the pages."""
    return _reason(sentences.parts(text))


def _reason(parts: dict[str, Any]) -> Reason:
    return Reason(**(parts | {"inner": {key: _reason(one) for key, one in parts["inner"].items()}}))


@dataclass(frozen=True, slots=True)
class Person:
    """An employee; `person` is the opaque id of the records."""

    person: str
    number: str
    name: str
    language: str
    has_consent: bool
    templates: int
    group: str = ""
    expires_at: str = ""
    supervisor: bool = False
    origin: str = "kiosk"
    has_pin: bool = False
    badges: int = 0
    codes: int = 0
    has_phone: bool = False


@dataclass(frozen=True, slots=True)
class ConsentText:
    """A consent text in one language, as it is shown."""

    version: str
    language: str
    words: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A template was made; the picture it came from is gone."""

    person: str
    templates: int


@dataclass(frozen=True, slots=True)
class Sitting:
    """Somebody is being enrolled at the kiosk: `state` is none, sitting, done, refused or ended.

    `pose` is wanted now (forward, turn_left, turn_right), `done` of `of` are there; `hint` is what is in the way, by the name of
    what the kiosk waits for, `why` a refusal's sentence (for pages: `said`). `change` grows with each change.
    """

    number: str = ""
    state: str = "none"
    pose: str = ""
    done: int = 0
    of: int = 0
    hint: str = ""
    why: str = ""
    said: Reason = field(default_factory=Reason)
    templates: int = 0
    change: int = 0


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
    """What was decided about one walk-up, or about a number, code or badge that somebody presented.

    `outcome`: `punched`, `refused`, `identified` (a face or a PIN has to complete it, see `complete_by`, within `wait_s` seconds),
    `verified` (who it is stands fast; `ticket` is good for their own affairs) or `pin_changed`. `seq` and `hash` are the receipt,
    or (no hash) the earlier record of a repeated look. `wait_s` beside `why` = `wait`: when the next try counts. `face` numbers the
    face before the camera whose answer this is, while it is followed; 0 without one.
    """

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
    method: str = ""
    language: str = ""
    ticket: str = ""
    complete_by: tuple[str, ...] = ()
    wait_s: float = 0.0
    face: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person has to do now to show that they are there: blink, turn_left, turn_right, smile, open_mouth or forward.

    `action` is empty when nothing is asked; `seconds_left` to do it, 0 where time does not count.
    """

    action: str = ""
    step: int = 0
    of: int = 0
    seconds_left: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """How the kiosk is.

    `now` is the time with which a punch of this moment would be listed ("" from a daemon that does not tell it).
    `clock_source` is whose time is followed: server, ntp, operator or none; `clock_disagrees_s` how far server and NTP are apart.
    `damaged`: employee numbers of those who have a template that does not open.
    `boot` changes with each start of the daemon; `camera` is the camera's own sentence, `trouble` the journal's ("" for none),
    `locked` says why no template can be read yet; each is for pages in `_said`.
    `prompt` is what the person before the camera has to do now. `landmarks` says who lays the mesh on a face, and how fast.
    `device_key`: held as a `credential` of the system, by its `tpm`, with the `server`'s share, or as a `file`,
    which protects no stolen card.
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
    damaged: tuple[str, ...] = ()
    landmarks: str = ""
    prompt: Prompt = Prompt()
    device_key: str = ""
    locked: str = ""
    camera_said: Reason = field(default_factory=Reason)
    trouble_said: Reason = field(default_factory=Reason)
    locked_said: Reason = field(default_factory=Reason)
    now: str = ""


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
class Corrected:
    """A punch was put right: its number, the record that voids it, and the one that counts now (0: none)."""

    punch: int
    void: int
    counts: int


@dataclass(frozen=True, slots=True)
class Work:
    """How far long work is: what is being done now, by name ("": unknown), how much of it, and of how much (0: unknown)."""

    doing: str = ""
    done: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Amendment:
    """What was said about a punch since: it counts no more (`void` is the record that says so), somebody disputes it, a record
    stands in its place (0: none)."""

    voided: bool
    disputed: bool
    replaced_by: int
    void: int = 0


@dataclass(frozen=True, slots=True)
class DesiredTaken:
    """A page of this desired state is kept; it is applied when all of them are."""

    generation: int
    version: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One envelope ready for the broker and the record it ends with."""

    payload: bytes
    last: int


@dataclass(frozen=True, slots=True)
class WebNotice:
    """What the kiosk's screen shows about the web UI: a code ("" for none), whose it is, where to type it and what to compare.

    `host` and `root_begins` name the enterprise that a code for joining is about, as its invitation does.
    """

    code: str
    purpose: str
    account: str
    addresses: tuple[str, ...]
    fingerprint: str
    host: str = ""
    root_begins: str = ""
