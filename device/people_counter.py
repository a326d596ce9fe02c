"""Routes of the kiosk daemon about the directory and the ways without a face; any of its sockets may carry them."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from device import api
from device.consent import LANGUAGES, Purpose
from device.consenting import ConsentOffice
from device.erasure import Eraser
from device.holdings import Holdings
from device.own import Own
from device.personnel import Personnel
from device.retention import Retention
from device.server import Route, json_fields, optional_field
from device.site import Site
from device.telling import Tell, silent
from device.ways import Ways


def directory_routes(personnel: Personnel, eraser: Eraser, teller: Callable[[], Tell] = lambda: silent) -> tuple[Route, ...]:
    """The personnel office; `teller` is told how far a list is."""

    def import_list() -> api.ListReport:
        text, by, dry_run = json_fields("text", "by", "dry_run")
        return personnel.import_list(text, by, dry_run=dry_run != "no", tell=teller())

    person = ("number", "name", "language", "group", "expires", "supervisor", "by")
    return (
        Route("POST", "/v1/people-list", import_list),
        Route("POST", "/v1/person", lambda: personnel.change_person(*json_fields(*person))),
        Route("POST", "/v1/pin", lambda: personnel.set_pin(*json_fields("number", "pin", "by"))),
        Route("POST", "/v1/pin-removal", lambda: personnel.remove_pin(*json_fields("number", "by"))),
        Route("POST", "/v1/badge", lambda: personnel.add_badge(*json_fields("number", "text", "by"))),
        Route("POST", "/v1/badge-removal", lambda: personnel.remove_badges(*json_fields("number", "by"))),
        Route("POST", "/v1/static-code", lambda: personnel.new_code(*json_fields("number", "by"))),
        Route("POST", "/v1/static-code-removal", lambda: personnel.remove_codes(*json_fields("number", "by"))),
        Route("POST", "/v1/phone", lambda: personnel.new_phone(*json_fields("number", "by"))),
        Route("POST", "/v1/erasure", lambda: eraser.erase(*json_fields("number", "reason", "by"))),
        Route("POST", "/v1/phone-removal", lambda: personnel.remove_phone(*json_fields("number", "by"))),
    )


def site_routes(site: Site) -> tuple[Route, ...]:
    """The other kiosks of the site; for the command line alone, since templates leave here, sealed."""
    return (
        Route("GET", "/v1/site-keys", site.own_keys),
        Route("GET", "/v1/site-kiosks", site.sisters),
        Route("POST", "/v1/site-kiosks", lambda: site.trust(*json_fields("device", "signing_key", "sealing_key", "by"))),
        Route("POST", "/v1/site-package", lambda: site.export(*json_fields("device", "by"))),
        Route("POST", "/v1/site-arrival", lambda: site.take(*json_fields("text", "by"))),
    )


def retention_routes(keeping: Retention) -> tuple[Route, ...]:
    """What is too old."""

    def purge() -> api.Purged:
        by, dry_run = json_fields("by", "dry_run")
        return keeping.purge(by, dry_run=dry_run != "no")

    return (Route("POST", "/v1/retention", purge),)


def consent_routes(consents: ConsentOffice) -> tuple[Route, ...]:
    """Consent: what is shown, who agreed, who took it back."""

    def texts() -> tuple[api.ConsentText, ...]:
        return consents.texts(request.args.get("purpose") or Purpose.FACE_RECOGNITION)

    def give() -> api.Person:
        fields = json_fields("number", "language", "basis", "by")
        return consents.give(*fields, *(optional_field(name) for name in ("purpose", "reference", "shown_sha256")))

    def publish() -> tuple[api.ConsentText, ...]:
        purpose, version, by, asks_again = json_fields("purpose", "version", "by", "asks_again")
        words = dict(zip(LANGUAGES, json_fields(*LANGUAGES), strict=True))
        return consents.publish(purpose, version, words, by, asks_again=asks_again != "no")

    def withdraw() -> api.Person:
        number, by = json_fields("number", "by")
        return consents.withdraw(number, by, optional_field("purpose"))

    return (
        Route("GET", "/v1/consent-texts", texts),
        Route("GET", "/v1/consent-versions", consents.versions),
        Route("POST", "/v1/consent-text", publish),
        Route("POST", "/v1/consent", give),
        Route("POST", "/v1/withdrawal", withdraw),
    )


def holdings_routes(holdings: Holdings) -> tuple[Route, ...]:
    """What is held about a person."""
    return (Route("POST", "/v1/person-export", lambda: holdings.export(*json_fields("number", "by"))),)


def own_routes(own: Own) -> tuple[Route, ...]:
    """A person's own affairs; every call names a ticket that their PIN, phone or face was given."""

    def withdraw() -> api.OwnAffairs:
        (ticket,) = json_fields("ticket")
        return own.withdraw_consent(ticket, optional_field("purpose"))

    return (
        Route("POST", "/v1/own", lambda: own.affairs(*json_fields("ticket"))),
        Route("POST", "/v1/own/consent", lambda: own.give_consent(*json_fields("ticket", "language", "purpose", "shown_sha256"))),
        Route("POST", "/v1/own/export", lambda: own.export(*json_fields("ticket"))),
        Route("POST", "/v1/own/withdrawal", withdraw),
    )


def ways_routes(ways: Ways) -> tuple[Route, ...]:
    """The ways without a face."""

    def pin() -> api.Decision:
        number, digits = json_fields("number", "pin")
        return ways.pin(number, digits, punch=_is_punch())

    def complete() -> api.Decision:
        ticket, digits = json_fields("ticket", "pin")
        return ways.complete(ticket, digits, punch=_is_punch())

    return (
        Route("POST", "/v1/ways/pin", pin),
        Route("POST", "/v1/ways/pin-change", lambda: ways.change_pin(*json_fields("number", "old", "new"))),
        Route("POST", "/v1/ways/code", lambda: ways.code(*json_fields("text"), punch=_is_punch())),
        Route("POST", "/v1/ways/badge", lambda: ways.badge(*json_fields("text"), punch=_is_punch())),
        Route("POST", "/v1/ways/completion", complete),
        Route("POST", "/v1/ways/assistance", lambda: ways.assist(*json_fields("ticket", "pin", "number", "reason"))),
    )


def _is_punch() -> bool:
    """Whether the caller wants a punch, or (`purpose`: verify) only to know who it is."""
    return bool((request.get_json(silent=True) or {}).get("purpose") != "verify")
