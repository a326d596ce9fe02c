"""The web UI's counter: what the daemon that faces the office network may ask. No picture, no template and no card's code."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, request

from device import api, audits, clock, config, gauges, journal, keys, messages, server, settings, state, webcodes
from device.sentences import say
from device.server import Route

# Of what the command line may ask, the part that is open to the web UI too. Cards are not: their code is the template itself.
OFFICE_CALLS = frozenset(
    {
        ("GET", "/v1/status"),
        ("GET", "/v1/upgrades"),
        ("POST", "/v1/upgrade-check"),
        ("GET", "/v1/decisions"),
        ("POST", "/v1/people"),
        ("POST", "/v1/consent"),
        ("POST", "/v1/withdrawal"),
        ("POST", "/v1/enrolment"),
        ("POST", "/v1/enrolment-of-several"),
        ("POST", "/v1/enrolment-look"),
        ("POST", "/v1/sitting"),
        ("GET", "/v1/sitting"),
        ("POST", "/v1/sitting-end"),
        ("POST", "/v1/face-removal"),
        ("POST", "/v1/card-revocation"),
        ("POST", "/v1/site-evaluation"),
        ("GET", "/v1/verify"),
        ("POST", "/v1/people-list"),
        ("POST", "/v1/person"),
        ("POST", "/v1/pin"),
        ("POST", "/v1/pin-removal"),
        ("POST", "/v1/badge"),
        ("POST", "/v1/badge-removal"),
        ("POST", "/v1/static-code"),
        ("POST", "/v1/static-code-removal"),
        ("POST", "/v1/phone"),
        ("POST", "/v1/phone-removal"),
        ("POST", "/v1/erasure"),
        ("POST", "/v1/dispute"),
        ("POST", "/v1/void"),
        ("POST", "/v1/correction"),
        ("POST", "/v1/forgotten-punch"),
        ("GET", "/v1/amendments"),
        ("GET", "/v1/locks"),
        ("GET", "/v1/locks/heard"),
        ("POST", "/v1/locks/pairing"),
        ("POST", "/v1/locks/comparison"),
        ("POST", "/v1/locks/job"),
        ("GET", "/v1/locks/job"),
        ("GET", "/v1/locks/approvals"),
        ("POST", "/v1/retention"),
        ("POST", "/v1/person-export"),
        ("POST", "/v1/consent-text"),
        ("GET", "/v1/consent-texts"),
        ("GET", "/v1/consent-versions"),
    }
)


@dataclass(frozen=True)
class Kiosk:
    """What the counter reads and changes."""

    journal: journal.Journal
    clock: clock.Clock
    codes: webcodes.WebCodes
    gauges: gauges.Gauges
    folder: state.Folder
    stop: threading.Event


class WebCounter:
    """Answers on kiosk-web.sock."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk

    def machine(self) -> api.Machine:
        """How the machine is."""
        return self._kiosk.gauges.read()

    def settings(self) -> tuple[api.SettingShown, ...]:
        """Every setting."""
        folder = self._kiosk.folder
        return settings.shown(folder.config, folder.layer, folder.enterprise)

    def _refuse_a_lock_that_cannot_open(self, changes: Mapping[str, Any]) -> None:
        """What `daka unlock` would refuse as well: after the next start nobody could take it back from here."""
        how, folder = changes.get("device.unlock"), self._kiosk.folder
        now = config.read(folder.config, folder.layer, folder.enterprise)
        if how == now.device.unlock:
            return
        if how == "tpm" and not keys.has_credential(folder.credentials):
            raise settings.SettingsRefused(say("setting.no_tpm"))
        if how == "server" and not changes.get("uplink.renew_url", now.uplink.renew_url):
            raise settings.SettingsRefused(say("setting.no_share"))

    def _refuse_another_name(self, changes: Mapping[str, Any]) -> None:
        """The journal is this kiosk's under its name, and does not open under another one: the kiosk would not start again."""
        name = self._kiosk.journal.device
        if changes.get("device.id", name) != name:
            raise settings.SettingsRefused(say("setting.own_name", name=name))

    def change_settings(self) -> api.SettingsChanged:
        """Write settings; what each was and became is in the journal before this returns."""
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or not isinstance(body.get("changes"), dict) or not isinstance(body.get("by"), str):
            abort(400)
        self._refuse_another_name(body["changes"])
        self._refuse_a_lock_that_cannot_open(body["changes"])
        folder = self._kiosk.folder
        changed = settings.change(folder.config, body["changes"], folder.layer, folder.enterprise)
        for name, (before, after) in changed.items():
            self._record("setting_changed", body["by"], *audits.sides(name, before, after))
        return api.SettingsChanged(tuple(changed))

    def restart(self) -> api.Done:
        """End this daemon; whoever keeps it running starts it again."""
        (by,) = server.json_fields("by")
        self._record("restarted", by)
        threading.Timer(0.2, self._kiosk.stop.set).start()  # after this answer has gone out
        return api.Done()

    def audit(self) -> api.Done:
        """What was done to the web UI's own accounts."""
        action, by, before, after = server.json_fields("action", "by", "before", "after")
        self._record(f"web_{action}", by, before, after)
        return api.Done()

    def _record(self, action: str, by: str, before: str = "", after: str = "") -> None:
        self._kiosk.journal.append(messages.Audit(action, by, "", before, after), self._kiosk.clock.now())

    def announce(self) -> api.Done:
        """What the kiosk's screen says about the web UI."""
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or not isinstance(body.get("addresses"), list):
            abort(400)
        addresses = tuple(str(address)[:200] for address in body["addresses"][:8])
        fingerprint, wants_first = str(body.get("fingerprint", ""))[:200], body.get("wants_first") is True
        self._kiosk.codes.announce(addresses, fingerprint, wants_first=wants_first)
        return api.Done()

    def ask_recovery(self) -> api.Done:
        """A code for an account, on the screen or, with `where` console, at root's command line only."""
        console = server.optional_field("where") == "console"
        self._kiosk.codes.ask_recovery(server.json_fields("account")[0][:64], console=console)
        return api.Done()

    def check_code(self) -> api.CodeChecked:
        """Whether it is the code on the screen."""
        return self._kiosk.codes.check(*server.json_fields("purpose", "account", "code", "asker"))

    def signed_records(self) -> Response:
        """A batch as the uplink sends it, signed; 204 at the end."""
        stretch = self._kiosk.journal.stretch(int(server.number_argument("after", 2**53)))
        if stretch is None:
            return Response(status=204)
        now, device = messages.write_time(self._kiosk.clock.now().at), self._kiosk.journal.device
        batch = messages.write_batch(device, stretch.epoch, stretch.texts, stretch.first, stretch.sig, now)
        return Response(batch, mimetype="application/cloudevents+json", headers={"Daka-Last": str(stretch.last)})


def web_routes(counter: WebCounter, office_routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """The counter's own routes, and those of the office's that are open to the web UI."""
    return (
        *(route for route in office_routes if (route.method, route.path) in OFFICE_CALLS),
        Route("GET", "/v1/machine", counter.machine),
        Route("GET", "/v1/settings", counter.settings),
        Route("POST", "/v1/settings", counter.change_settings),
        Route("POST", "/v1/restart", counter.restart),
        Route("POST", "/v1/audit", counter.audit),
        Route("POST", "/v1/web-announcement", counter.announce),
        Route("POST", "/v1/web-recovery", counter.ask_recovery),
        Route("POST", "/v1/web-code", counter.check_code),
        Route("GET", "/v1/signed-records", counter.signed_records),
    )
