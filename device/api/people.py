"""What can be asked about the directory and the ways without a face: answers, and the client on kiosk-admin.sock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from device import messages
from device.api.answers import Decision, Person, Reason
from device.api.client import Client

IMPORT_TIMEOUT_S = 600.0  # thousands of PINs to hash
PIN_TIMEOUT_S = 60.0  # two of them, on a small board that has other work: who gives up early does not know what was done


@dataclass(frozen=True, slots=True)
class ListStep:
    """What becomes of one line of a list: `act` is add, change, same, end or refuse; `why` why it is refused (pages: `said`).

    `name` as the list writes it, for whoever looks whether it was read rightly; `changes` names the columns that change.
    """

    line: int
    number: str
    act: str
    why: str
    said: Reason = field(default_factory=Reason)
    name: str = ""
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListReport:
    """A list against the directory; `applied` says whether it was taken over or only looked at."""

    applied: bool
    steps: tuple[ListStep, ...]

    def count(self, act: str) -> int:
        """How many lines come to this."""
        return sum(step.act == act for step in self.steps)


@dataclass(frozen=True, slots=True)
class PinSet:
    """A pre-assigned PIN, to be handed over and changed at first use; said once."""

    person: str
    pin: str


@dataclass(frozen=True, slots=True)
class CodeIssued:
    """The text of a static QR code to print; kept nowhere."""

    person: str
    code: str


@dataclass(frozen=True, slots=True)
class PhoneIssued:
    """What a phone needs to show rotating codes; `uri` is the same for an authenticator (otpauth://). Said once."""

    person: str
    phone: str
    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class ConsentVersion:
    """A consent text that the enterprise published; `asks_again`: consents to earlier ones count no more."""

    purpose: str
    version: str
    asks_again: bool
    by: str
    published_at: str


@dataclass(frozen=True, slots=True)
class OwnConsent:
    """What the person agreed to; not `in_force` where a later text asks again. `kiosks`: the others that it names."""

    purpose: str
    text_version: str
    language: str
    basis: str
    kiosks: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class OwnPunch:
    """One punch of one's own; `at` as it should be read, `reason` where a supervisor vouched.

    `state`: counts, disputed or voided. Of a voided one `why` is what was said, `by_oneself` whether the person changed it at the
    kiosk, `replaced_by` the record that counts in its place (0: none).
    """

    seq: int
    hash: str
    at: str
    review: bool
    direction: str
    method: str
    reason: str
    state: str = "counts"
    why: str = ""
    by_oneself: bool = False
    replaced_by: int = 0


@dataclass(frozen=True, slots=True)
class OwnAffairs:
    """What a person sees about themself at the kiosk; punches newest first."""

    name: str
    number: str
    language: str
    templates: int
    consents: tuple[OwnConsent, ...]
    punches: tuple[OwnPunch, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """Everything about a person was erased; `remains` are files in which a trace of it still stands. `seq`, `hash`: the receipt."""

    person: str
    templates: int
    traces: int
    files: int
    remains: tuple[str, ...]
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class PurgedItem:
    """`kind`: template (not used), unrenewed (a new text was not agreed to) or left (the person was erased); `since` when.

    `number` and `name` as they were, so that somebody sees whom it is about.
    """

    kind: str
    person: str
    since: str
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Purged:
    """What was too old, and whether it was destroyed or only looked for; `why_not` where nothing could be judged."""

    applied: bool
    why_not: str
    items: tuple[PurgedItem, ...]


@dataclass(frozen=True, slots=True)
class PersonExport:
    """Everything held about a person, as signed JSON text."""

    person: str
    text: str


class Holdings(Protocol):
    """The one that answers what is held about a person."""

    def export(self, number: str, by: str) -> PersonExport: ...


class HoldingsClient(Client):
    """The command line's side of it."""

    def export(self, number: str, by: str) -> PersonExport:
        """Everything held about the person with this employee number."""
        answer = self._ask("POST", "/v1/person-export", json={"number": number, "by": by}, timeout_s=IMPORT_TIMEOUT_S)
        return messages.CODEC.structure(answer.json(), PersonExport)


class Keeper(Protocol):
    """The one that looks for what is too old."""

    def purge(self, by: str, *, dry_run: bool) -> Purged: ...


class Eraser(Protocol):
    """The one place where people end: of the daemon, or of the files when it is down."""

    def erase(self, number: str, reason: str, by: str) -> Erased: ...


class Personnel(Protocol):
    """The directory and its credentials: of the daemon through its socket, or of the files when it is down."""

    def import_list(self, text: str, by: str, *, dry_run: bool) -> ListReport: ...
    def change_person(
        self, number: str, name: str, language: str, group: str, expires: str, supervisor: str, by: str
    ) -> Person: ...
    def set_pin(self, number: str, pin: str, by: str) -> PinSet: ...
    def remove_pin(self, number: str, by: str) -> Person: ...
    def add_badge(self, number: str, text: str, by: str) -> Person: ...
    def remove_badges(self, number: str, by: str) -> Person: ...
    def new_code(self, number: str, by: str) -> CodeIssued: ...
    def remove_codes(self, number: str, by: str) -> Person: ...
    def new_phone(self, number: str, by: str) -> PhoneIssued: ...
    def remove_phone(self, number: str, by: str) -> Person: ...


class PeopleClient(Client):
    """The command line's side of it."""

    def import_list(self, text: str, by: str, *, dry_run: bool, work: str = "") -> ListReport:
        """Take a CSV list over as a whole, or (`dry_run`) say what it would do; `work` is the key under which it tells how far."""
        body = {"text": text, "by": by, "dry_run": "yes" if dry_run else "no", "work": work}
        answer = self._ask("POST", "/v1/people-list", json=body, timeout_s=IMPORT_TIMEOUT_S)
        return messages.CODEC.structure(answer.json(), ListReport)

    def change_person(self, number: str, name: str, language: str, group: str, expires: str, supervisor: str, by: str) -> Person:
        """Change what is known of a person; "" leaves a field, "-" empties group or expiry, supervisor is yes or no."""
        fields = {"name": name, "language": language, "group": group, "expires": expires, "supervisor": supervisor}
        return self._post("/v1/person", Person, number=number, by=by, **fields)

    def set_pin(self, number: str, pin: str, by: str) -> PinSet:
        """A PIN to be changed at first use; "" has one drawn."""
        return self._post_slowly("/v1/pin", PinSet, PIN_TIMEOUT_S, number=number, pin=pin, by=by)

    def remove_pin(self, number: str, by: str) -> Person:
        """No PIN of this person's is taken any more."""
        return self._post("/v1/pin-removal", Person, number=number, by=by)

    def add_badge(self, number: str, text: str, by: str) -> Person:
        """Give the badge that reads `text` to a person."""
        return self._post("/v1/badge", Person, number=number, text=text, by=by)

    def remove_badges(self, number: str, by: str) -> Person:
        """No badge of this person's is taken any more."""
        return self._post("/v1/badge-removal", Person, number=number, by=by)

    def new_code(self, number: str, by: str) -> CodeIssued:
        """A static QR code to print, in place of earlier ones."""
        return self._post("/v1/static-code", CodeIssued, number=number, by=by)

    def remove_codes(self, number: str, by: str) -> Person:
        """No static code of this person's is taken any more."""
        return self._post("/v1/static-code-removal", Person, number=number, by=by)

    def new_phone(self, number: str, by: str) -> PhoneIssued:
        """The secret of a phone that shows rotating codes, in place of an earlier one."""
        return self._post("/v1/phone", PhoneIssued, number=number, by=by)

    def remove_phone(self, number: str, by: str) -> Person:
        """No code of the person's phone is taken any more."""
        return self._post("/v1/phone-removal", Person, number=number, by=by)

    def erase(self, number: str, reason: str, by: str) -> Erased:
        """Erase everything about a person; `reason`: asked, left, retention or tombstone."""
        answer = self._ask("POST", "/v1/erasure", json={"number": number, "reason": reason, "by": by}, timeout_s=IMPORT_TIMEOUT_S)
        return messages.CODEC.structure(answer.json(), Erased)

    def purge(self, by: str, *, dry_run: bool) -> Purged:
        """Destroy what is older than its retention period, or say what would go."""
        body = {"by": by, "dry_run": "yes" if dry_run else "no"}
        return messages.CODEC.structure(self._ask("POST", "/v1/retention", json=body, timeout_s=IMPORT_TIMEOUT_S).json(), Purged)

    def pin(self, number: str, pin: str, *, punch: bool = True) -> Decision:
        """Clock in with number and PIN, or (`punch` false) only have it verified who it is."""
        return self._post_slowly("/v1/ways/pin", Decision, PIN_TIMEOUT_S, number=number, pin=pin, purpose=_purpose(punch))

    def change_pin(self, number: str, old: str, new: str) -> Decision:
        """The person's own change of PIN."""
        return self._post_slowly("/v1/ways/pin-change", Decision, PIN_TIMEOUT_S, number=number, old=old, new=new)

    def code(self, text: str, *, punch: bool = True) -> Decision:
        """A QR code, from whatever read it."""
        return self._post("/v1/ways/code", Decision, text=text, purpose=_purpose(punch))

    def badge(self, text: str, *, punch: bool = True) -> Decision:
        """A badge, from whatever read it."""
        return self._post("/v1/ways/badge", Decision, text=text, purpose=_purpose(punch))

    def complete(self, ticket: str, pin: str, *, punch: bool = True) -> Decision:
        """The PIN that completes a badge or code."""
        return self._post("/v1/ways/completion", Decision, ticket=ticket, pin=pin, purpose=_purpose(punch))

    def assist(self, ticket: str, pin: str, number: str, reason: str) -> Decision:
        """A supervisor (badge or code, then PIN) vouches for the employee `number`."""
        return self._post("/v1/ways/assistance", Decision, ticket=ticket, pin=pin, number=number, reason=reason)

    def own(self, ticket: str) -> OwnAffairs:
        """What the person whose ticket this is may see about themself."""
        return self._post("/v1/own", OwnAffairs, ticket=ticket)

    def give_own_consent(self, ticket: str, language: str, purpose: str, shown_sha256: str) -> OwnAffairs:
        """The person's own yes to the text whose hash this is."""
        fields = {"language": language, "purpose": purpose, "shown_sha256": shown_sha256}
        return self._post("/v1/own/consent", OwnAffairs, ticket=ticket, **fields)

    def withdraw_own_consent(self, ticket: str, purpose: str = "") -> OwnAffairs:
        """The person's own no; "" takes everything back."""
        return self._post("/v1/own/withdrawal", OwnAffairs, ticket=ticket, purpose=purpose)

    def own_export(self, ticket: str) -> PersonExport:
        """Everything held about the person whose ticket this is."""
        return self._post("/v1/own/export", PersonExport, ticket=ticket)

    def consent_versions(self) -> tuple[ConsentVersion, ...]:
        """The consent texts that were published here, newest first."""
        return self._get("/v1/consent-versions", tuple[ConsentVersion, ...])


def _purpose(punch: bool) -> str:
    return "punch" if punch else "verify"
