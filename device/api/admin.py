"""kiosk-admin.sock: the command line's side, and the same questions asked of the files when the daemon is down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from device import messages
from device.api.answers import (
    CardIssued,
    ClaimTaken,
    ConsentText,
    Cursor,
    Decision,
    Enrolled,
    Person,
    SiteEvaluated,
    Sitting,
    Status,
    Verified,
    WebNotice,
)
from device.api.client import TIMEOUT_S
from device.api.corrections import CorrectionsClient
from device.api.health import Machine
from device.api.upgrades import Upgrades

ADMIN_SOCKET = "kiosk-admin.sock"
ENROL_TIMEOUT_S = 60.0


class Carrier(Protocol):
    """Records out and answers in by hand: the daemon's socket, or its files when it is down."""

    def signed_records(self, after: int) -> bytes: ...
    def believe(self, payload: bytes) -> Cursor: ...


class Office(Protocol):
    """What can be asked about people and records: of the daemon through its socket, or of the files when it is down."""

    def people(self) -> tuple[Person, ...]: ...
    def add_person(self, number: str, name: str, language: str, by: str) -> Person: ...
    def give_consent(
        self, number: str, language: str, basis: str, by: str, purpose: str = "", reference: str = "", shown_sha256: str = ""
    ) -> Person: ...
    def withdraw_consent(self, number: str, by: str, purpose: str = "") -> Person: ...
    def consent_texts(self, purpose: str = "") -> tuple[ConsentText, ...]: ...
    def publish_consent_text(
        self, purpose: str, version: str, words: Mapping[str, str], by: str, *, asks_again: bool
    ) -> tuple[ConsentText, ...]: ...
    def enrol(self, number: str, photograph: bytes, by: str, look_alike_of: str = "") -> Enrolled: ...
    def enrol_several(self, number: str, photographs: tuple[bytes, ...], by: str, look_alike_of: str = "") -> Enrolled: ...
    def remove_face(self, number: str, by: str) -> Person: ...
    def issue_card(self, number: str, photograph: bytes, by: str, days: int) -> CardIssued: ...
    def revoke_cards(self, number: str, by: str) -> Person: ...
    def evaluate_site(self, by: str) -> SiteEvaluated: ...
    def punches(self, after: int) -> tuple[dict[str, Any], ...]: ...
    def status(self) -> Status: ...
    def verify(self) -> Verified: ...


class AdminClient(CorrectionsClient):
    """The command line's side of kiosk-admin.sock."""

    def people(self) -> tuple[Person, ...]:
        """Everybody, by employee number."""
        return self._get("/v1/people", tuple[Person, ...])

    def add_person(self, number: str, name: str, language: str, by: str) -> Person:
        """A new employee, announced in the journal under an opaque id."""
        return self._post("/v1/people", Person, number=number, name=name, language=language, by=by)

    def give_consent(
        self, number: str, language: str, basis: str, by: str, purpose: str = "", reference: str = "", shown_sha256: str = ""
    ) -> Person:
        """Record that the current text was shown and agreed to; with `shown_sha256`, refused if the text has changed since."""
        more = {"purpose": purpose, "reference": reference, "shown_sha256": shown_sha256}
        return self._post("/v1/consent", Person, number=number, language=language, basis=basis, by=by, **more)

    def withdraw_consent(self, number: str, by: str, purpose: str = "") -> Person:
        """Take a consent (or all) back; the template is destroyed before this returns."""
        return self._post("/v1/withdrawal", Person, number=number, by=by, purpose=purpose)

    def consent_texts(self, purpose: str = "") -> tuple[ConsentText, ...]:
        """The consent texts to be shown now, in every language."""
        return self._get("/v1/consent-texts", tuple[ConsentText, ...], purpose=purpose)

    def publish_consent_text(
        self, purpose: str, version: str, words: Mapping[str, str], by: str, *, asks_again: bool
    ) -> tuple[ConsentText, ...]:
        """The enterprise's own text, by language; `asks_again`: earlier consents count no more."""
        fields = {"purpose": purpose, "version": version, "by": by, "asks_again": "yes" if asks_again else "no"}
        return self._post("/v1/consent-text", tuple[ConsentText, ...], **fields, **words)

    def enrol(self, number: str, photograph: bytes, by: str, look_alike_of: str = "") -> Enrolled:
        """Make a template from a photograph (JPEG or PNG), which is used once and dropped.

        `look_alike_of`: number of somebody who looks like this person; from then on neither is clocked in by a face alone.
        """
        query = {"number": number, "by": by, "look_alike_of": look_alike_of}
        response = self._ask("POST", "/v1/enrolment", params=query, content=photograph, timeout_s=ENROL_TIMEOUT_S)
        return messages.CODEC.structure(response.json(), Enrolled)

    def enrol_several(self, number: str, photographs: tuple[bytes, ...], by: str, look_alike_of: str = "") -> Enrolled:
        """The same from several photographs of one person: all of them, or none."""
        query = {"number": number, "by": by, "look_alike_of": look_alike_of}
        files = _pictures(photographs)
        response = self._ask("POST", "/v1/enrolment-of-several", params=query, files=files, timeout_s=ENROL_TIMEOUT_S)
        return messages.CODEC.structure(response.json(), Enrolled)

    def look_at(self, number: str, photographs: tuple[bytes, ...], by: str) -> Enrolled:
        """Whether these would make templates of that person; nothing is kept. KioskRefused as for `enrol_several`."""
        response = self._ask(
            "POST",
            "/v1/enrolment-look",
            params={"number": number, "by": by},
            files=_pictures(photographs),
            timeout_s=ENROL_TIMEOUT_S,
        )
        return messages.CODEC.structure(response.json(), Enrolled)

    def begin_sitting(self, number: str, by: str, look_alike_of: str = "") -> Sitting:
        """Enrol the person NUMBER before the kiosk's camera; the screen says what to do."""
        return self._post("/v1/sitting", Sitting, number=number, by=by, look_alike_of=look_alike_of)

    def sitting(self, after: int, wait_s: float) -> Sitting:
        """How that goes, once it has changed after `after` or the time is up."""
        return self._get("/v1/sitting", Sitting, timeout_s=TIMEOUT_S + wait_s, after=after, wait_s=wait_s)

    def end_sitting(self) -> Sitting:
        """Whoever sits gets up; nothing is kept."""
        return self._post("/v1/sitting-end", Sitting)

    def remove_face(self, number: str, by: str) -> Person:
        """The enrolled face goes and the consent stays: whoever looks different now is enrolled anew."""
        return self._post("/v1/face-removal", Person, number=number, by=by)

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

    def evaluate_site(self, by: str, work: str = "") -> SiteEvaluated:
        """Measure this site's own templates; the threshold follows from it."""
        answer = self._ask("POST", "/v1/site-evaluation", json={"by": by, "work": work}, timeout_s=600.0)
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

    def machine(self) -> Machine:
        """How the machine is, with the samples of the last day, and what is wrong with it."""
        return self._get("/v1/machine", Machine)

    def metrics(self) -> str:
        """The same and more, as Prometheus reads it."""
        return self._ask("GET", "/metrics").text

    def upgrades(self) -> Upgrades:
        """Updates: what runs, what is offered and fetched, what was sent for it, and when it may be installed."""
        return self._get("/v1/upgrades", Upgrades)

    def ask_for_upgrades(self, by: str) -> None:
        """Have the uplink ask the enterprise now; it does so within half a minute."""
        self._ask("POST", "/v1/upgrade-check", json={"by": by})

    def web_notice(self) -> WebNotice:
        """What the kiosk's screen says about the web UI."""
        return self._get("/v1/web-notice", WebNotice)

    def signed_records(self, after: int) -> bytes:
        """The signed batch that follows record `after`; empty at the end."""
        return self._ask("GET", "/v1/signed-records", params={"after": after}, timeout_s=60.0).content

    def believe(self, payload: bytes) -> Cursor:
        """An acknowledgement that was carried here by hand; KioskRefused if the server did not sign it."""
        return messages.CODEC.structure(self._ask("POST", "/v1/acknowledgement", content=payload).json(), Cursor)

    def verify(self, work: str = "") -> Verified:
        """Walk the chain; KioskRefused names the first record that does not hold. `work`: the key under which it tells how far."""
        return self._get("/v1/verify", Verified, timeout_s=600.0, work=work)


def _pictures(photographs: tuple[bytes, ...]) -> list[tuple[str, tuple[str, bytes]]]:
    """As a form has files; their names say nothing."""
    return [("photograph", (f"{place}", photograph)) for place, photograph in enumerate(photographs, start=1)]
