"""The web UI's counter: what the daemon that faces the office network may ask. No picture, no template and no card's code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, abort, request

from device import (
    api,
    clock,
    config,
    desk,
    gauges,
    journal,
    keys,
    messages,
    people,
    personnel,
    register,
    server,
    settings,
    state,
    webcodes,
)
from device.server import Route

MOST_ROWS = 1_000
OFFICE = "office"  # the way of a punch that was corrected or added by hand
USUAL_ROWS = 50
FEW = 1_000  # people who are looked up
MOST_SHOWN = 100  # of those who are in
MOST_OFFSET = 10_000_000
OFFICE_KINDS = frozenset({"person", "consent", "audit", "void", "correction", "dispute", "desired", "erasure"})
READABLE_KINDS = OFFICE_KINDS | {"genesis", "boot", "time", "lock", "health"}

# Of what the command line may ask, the part that is open to the web UI too. Cards are not: their code is the template itself.
OFFICE_CALLS = frozenset(
    {
        ("GET", "/v1/status"),
        ("GET", "/v1/upgrades"),
        ("POST", "/v1/upgrade-check"),
        ("POST", "/v1/upgrade-check"),
        ("GET", "/v1/decisions"),
        ("POST", "/v1/people"),
        ("POST", "/v1/consent"),
        ("POST", "/v1/withdrawal"),
        ("POST", "/v1/enrolment"),
        ("POST", "/v1/sitting"),
        ("GET", "/v1/sitting"),
        ("POST", "/v1/sitting-end"),
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
SORTS: dict[str, Callable[[people.Person], Any]] = {
    "number": lambda person: (len(person.number), person.number) if person.number.isdigit() else (1_000, person.number),
    "name": lambda person: person.name,
    "language": lambda person: person.language,
    "consent": lambda person: person.has_consent,
    "templates": lambda person: person.templates,
    "group": lambda person: person.group,
    "expires_at": lambda person: str(person.expires_at or "9999"),
}
STATES: dict[str, Callable[[people.Person], bool]] = {
    "": lambda person: True,
    "consent": lambda person: person.has_consent,
    "no_consent": lambda person: not person.has_consent,
    "enrolled": lambda person: person.templates > 0,
    "not_enrolled": lambda person: person.templates == 0,
    "no_way": lambda person: not (person.templates or person.has_pin or person.badges or person.codes or person.has_phone),
    "supervisor": lambda person: person.supervisor,
}


@dataclass(frozen=True)
class Kiosk:
    """What the counter reads and changes."""

    office: desk.Desk
    directory: people.Directory
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
        self._register = register.Register(kiosk.journal)
        self._known: tuple[people.Person, ...] = ()
        self._known_at: tuple[int, int] | None = None

    def _everybody(self) -> tuple[people.Person, ...]:
        """The directory, read again only after something was written into its file."""
        with self._kiosk.directory.database.reading() as connection:
            at = (id(connection), connection.total_changes)
        if at != self._known_at:
            self._known, self._known_at = self._kiosk.directory.list(), at
        return self._known

    def people_page(self) -> api.PeoplePage:
        """People by a part of their number or name."""
        search = request.args.get("search", "").strip().casefold()
        belongs, key = STATES.get(request.args.get("state", "")), SORTS.get(request.args.get("sort", "number"))
        if belongs is None or key is None:
            abort(400)
        found = [person for person in self._everybody() if belongs(person) and _named(person, search)]
        found.sort(key=key, reverse=_flag("descending"))
        offset, limit = _window()
        return api.PeoplePage(len(found), tuple(personnel.shown(person) for person in found[offset : offset + limit]))

    def person(self) -> api.Person:
        """One person by employee number."""
        return personnel.shown(self._kiosk.directory.by_number(request.args.get("number", "")))

    def punch_page(self) -> api.PunchPage:
        """Punches by time, person and way."""
        asked, (offset, limit), state = request.args, _window(), request.args.get("state", "")
        if state and state not in register.STATES:
            abort(400)
        wanted = register.Wanted(
            since=_time("since"),
            until=_time("until"),
            people=self._people_meant(asked.get("number", ""), asked.get("search", "").strip().casefold()),
            direction=asked.get("direction", ""),
            method=asked.get("method", ""),
            review=_flag("review"),
            state=state,
            descending=_flag("descending"),
            offset=offset,
            limit=limit,
        )
        found = self._register.find(wanted)
        return api.PunchPage(found.total, self._rows(found.punches))

    def _people_meant(self, number: str, search: str) -> frozenset[str] | None:
        if number:
            try:
                return frozenset({self._kiosk.directory.by_number(number).person})
            except people.PersonUnknown:
                return frozenset()
        if search:
            return frozenset(person.person for person in self._everybody() if _named(person, search))
        return None

    def _rows(self, listed: Sequence[register.Listed]) -> tuple[api.PunchRow, ...]:
        names = self._names({one.person for one in listed})
        records = self._kiosk.journal.pick([one.seq for one in listed])
        by_seq = {one.seq: one for one in listed}
        return tuple(_row(record, by_seq[record.seq], names) for record in records)

    def _names(self, people_shown: set[str]) -> dict[str, people.Person]:
        """Those of them who are still known; an export's thousands from the list that is kept."""
        if len(people_shown) > FEW:
            return {person.person: person for person in self._everybody()}
        return self._kiosk.directory.several(people_shown)

    def people_by_id(self) -> tuple[api.Person, ...]:
        """People by their opaque ids, as far as they are known."""
        body = request.get_json(silent=True)
        wanted = body.get("people") if isinstance(body, dict) else None
        if not isinstance(wanted, list) or len(wanted) > MOST_ROWS or not all(isinstance(one, str) for one in wanted):
            abort(400)
        return tuple(personnel.shown(person) for person in self._kiosk.directory.several(wanted).values())

    def fill(self) -> None:
        """Read the journal at the start, beside everything else."""
        self._register.fill()

    def punch(self) -> tuple[api.PunchRow, dict[str, Any]]:
        """One punch and its record as it stands in the chain."""
        found = self._register.punch(int(server.number_argument("seq", 2**53)))
        if found is None:
            abort(404)
        (record,) = self._kiosk.journal.pick([found.seq])
        return self._rows([found])[0], messages.parse(record.text)

    def presence(self) -> api.Attendance:
        """Who is in and who is on a break: how many, and the first of them."""
        since, until = _time("since"), _time("until")
        if since is None or until is None:
            abort(400)
        latest = self._register.latest(since, until, MOST_SHOWN)
        inside, resting, gone = _by_place(latest)
        names = self._names({one.person for one in (*inside[1], *resting[1])})
        people, away = (tuple(_present(one, names.get(one.person)) for one in found) for found in (inside[1], resting[1]))
        return api.Attendance(inside[0], gone, people, resting[0], away)

    def records(self) -> tuple[dict[str, Any], ...]:
        """Records of some kinds, newest first."""
        kinds = tuple(kind for kind in request.args.get("kinds", "").split(",") if kind in READABLE_KINDS)
        before, most = int(server.number_argument("before", 2**53)), int(server.number_argument("most", MOST_ROWS))
        line = self._kiosk.journal.timeline()
        found = self._kiosk.journal.rare(kinds, before or 2**53, most)
        return tuple(messages.parse(record.text) | {"corrected": desk.time_shown(line.correct(record.stamp))} for record in found)

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
            raise settings.SettingsRefused(
                "device.unlock: the system hands no device key to this kiosk; there: sudo daka unlock tpm"
            )
        if how == "server" and not changes.get("uplink.renew_url", now.uplink.renew_url):
            raise settings.SettingsRefused("device.unlock: this kiosk has joined no server that could keep a share for it")

    def _refuse_another_name(self, changes: Mapping[str, Any]) -> None:
        """The journal is this kiosk's under its name, and does not open under another one: the kiosk would not start again."""
        name = self._kiosk.journal.device
        if changes.get("device.id", name) != name:
            raise settings.SettingsRefused(
                f"device.id: the records of this kiosk are those of {name}; another name is chosen before the first start, "
                "in the settings file"
            )

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
            self._record("setting_changed", body["by"], f"{name} = {before}"[:500], f"{name} = {after}"[:500])
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
        """A code for an account, on the screen only."""
        self._kiosk.codes.ask_recovery(server.json_fields("account")[0][:64])
        return api.Done()

    def check_code(self) -> api.CodeChecked:
        """Whether it is the code on the screen."""
        return self._kiosk.codes.check(*server.json_fields("purpose", "account", "code"))

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
        Route("GET", "/v1/people-page", counter.people_page),
        Route("GET", "/v1/person", counter.person),
        Route("POST", "/v1/people-by-id", counter.people_by_id),
        Route("GET", "/v1/punch-page", counter.punch_page),
        Route("GET", "/v1/punch", counter.punch),
        Route("GET", "/v1/presence", counter.presence),
        Route("GET", "/v1/records", counter.records),
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


def _named(person: people.Person, search: str) -> bool:
    return search in person.number.casefold() or search in person.name.casefold()


def _row(record: messages.Record, listed: register.Listed, names: dict[str, people.Person]) -> api.PunchRow:
    body, known = record.body, names.get(record.body["person"])
    return api.PunchRow(
        seq=record.seq,
        hash=record.hash.hex(),
        at=messages.write_time(listed.at),
        quality=listed.quality,
        review=listed.review,
        state=listed.state,
        person=body["person"],
        number=known.number if known else "",
        name=known.name if known else "",
        direction=messages.direction_of(body),
        method=body.get("method", OFFICE),
        liveness=body.get("liveness", ""),
        capture=body.get("capture", ""),
        site=body["site"],
        replaces=body.get("replaces", 0),
        reason=body.get("reason", ""),
        by=body.get("by", ""),
    )


Latest = tuple[int, tuple[register.Listed, ...]]


def _by_place(latest: dict[str, Latest]) -> tuple[Latest, Latest, int]:
    """Who is in, who is on a break, and how many have gone."""
    inside: Latest = (0, ())
    for word, (count, listed) in latest.items():
        if messages.Direction(word).is_inside:
            inside = (inside[0] + count, tuple(sorted((*inside[1], *listed), key=lambda one: one.at))[:MOST_SHOWN])
    resting = latest.get(messages.Direction.BREAK, (0, ()))
    return inside, resting, sum(count for count, _ in latest.values()) - inside[0] - resting[0]


def _present(listed: register.Listed, known: people.Person | None) -> api.Presence:
    number, name = (known.number, known.name) if known else ("", "")
    return api.Presence(listed.person, number, name, listed.seq, messages.write_time(listed.at))


def _flag(name: str) -> bool:
    return request.args.get(name, "0") == "1"


def _window() -> tuple[int, int]:
    limit = int(server.number_argument("limit", MOST_ROWS)) if "limit" in request.args else USUAL_ROWS
    return int(server.number_argument("offset", MOST_OFFSET)), limit


def _time(name: str) -> datetime | None:
    text = request.args.get(name, "")
    return messages.read_time(text) if text else None
