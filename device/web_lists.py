"""What the administrators' pages list: people, punches, who is here, records; sorted, filtered and paged by the kiosk daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import abort, request

from device import api, chronicle, clock, desk, journal, messages, people, personnel, register, server
from device.server import Route

MOST_ROWS = 1_000
OFFICE = "office"  # the way of a punch that was corrected or added by hand
USUAL_ROWS = 50
FEW = 1_000  # people who are looked up
MOST_SHOWN = 100  # of those who are in
MOST_OFFSET = 10_000_000
OFFICE_KINDS = frozenset({"person", "consent", "audit", "void", "correction", "dispute", "desired", "erasure"})
READABLE_KINDS = OFFICE_KINDS | {"genesis", "boot", "time", "lock", "health"}
SORTS: dict[str, Callable[[people.Person], Any]] = {
    "number": lambda person: _by_number(person.number),
    "name": lambda person: person.name,
    "language": lambda person: person.language,
    "consent": lambda person: person.has_consent,
    "ways": lambda person: tuple(map(bool, (person.templates, person.has_pin, person.badges, person.codes, person.has_phone))),
    "group": lambda person: person.group,
    "expires_at": lambda person: str(person.expires_at or "9999"),
}
NAMED_BY = ("number", "name")  # sorts of punches that the directory knows, not the journal
PUNCH_SORTS = (*(sort for sort in register.SORTS if sort != "person"), *NAMED_BY)
PRESENT_SORTS: dict[str, Callable[[register.Listed, people.Person | None], Any]] = {
    "at": lambda one, _known: one.at,
    "number": lambda _one, known: _by_number(known.number if known else ""),
    "name": lambda _one, known: known.name if known else "",
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


class Lists:
    """Answers on kiosk-web.sock; `holds_for` says how long somebody is where a punch brought them."""

    def __init__(
        self, directory: people.Directory, opened: journal.Journal, time_source: clock.Clock, holds_for: register.HoldsFor
    ) -> None:
        self._directory, self._journal, self._clock, self._holds_for = directory, opened, time_source, holds_for
        self._register, self._chronicle = register.Register(opened), chronicle.Chronicle(opened)
        self._known: tuple[people.Person, ...] = ()
        self._known_at: tuple[int, int] | None = None

    def _everybody(self) -> tuple[people.Person, ...]:
        """The directory, read again only after something was written into its file."""
        with self._directory.database.reading() as connection:
            at = (id(connection), connection.total_changes)
        if at != self._known_at:
            self._known, self._known_at = self._directory.list(), at
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
        return personnel.shown(self._directory.by_number(request.args.get("number", "")))

    def punch_page(self) -> api.PunchPage:
        """Punches by time, person and way. With `kept` new the list is kept as it stands now; its key gives the other parts."""
        (offset, limit), kept = _window(), request.args.get("kept", "")
        if not kept:
            found = self._register.find(self._punches_wanted())
        else:
            kept = self._register.keep(self._punches_wanted()) if kept == "new" else kept
            found = self._register.kept(kept, offset, limit)
        return api.PunchPage(found.total, self._rows(found.punches), kept)

    def _punches_wanted(self) -> register.Wanted:
        asked, (offset, limit), state = request.args, _window(), request.args.get("state", "")
        sort = asked.get("sort", "at")
        if (state and state not in register.STATES) or sort not in PUNCH_SORTS:
            abort(400)
        return register.Wanted(
            since=_time("since"),
            until=_time("until"),
            people=self._people_meant(asked.get("number", ""), asked.get("search", "").strip().casefold()),
            direction=asked.get("direction", ""),
            method=asked.get("method", ""),
            review=_flag("review"),
            state=state,
            descending=_flag("descending"),
            sort="person" if sort in NAMED_BY else sort,
            ranks=self._ranks(sort) if sort in NAMED_BY else {},
            offset=offset,
            limit=limit,
        )

    def _ranks(self, sort: str) -> dict[str, int]:
        """Whose number or name stands where among everybody's."""
        return {person.person: rank for rank, person in enumerate(sorted(self._everybody(), key=SORTS[sort]))}

    def _people_meant(self, number: str, search: str) -> frozenset[str] | None:
        if number:
            try:
                return frozenset({self._directory.by_number(number).person})
            except people.PersonUnknown:
                return frozenset()
        if search:
            return frozenset(person.person for person in self._everybody() if _named(person, search))
        return None

    def _rows(self, listed: Sequence[register.Listed]) -> tuple[api.PunchRow, ...]:
        names = self._names({one.person for one in listed})
        records = self._journal.pick([one.seq for one in listed])
        by_seq = {one.seq: one for one in listed}
        return tuple(_row(record, by_seq[record.seq], names) for record in records)

    def _names(self, people_shown: set[str]) -> dict[str, people.Person]:
        """Those of them who are still known; an export's thousands from the list that is kept."""
        if len(people_shown) > FEW:
            return {person.person: person for person in self._everybody()}
        return self._directory.several(people_shown)

    def people_by_id(self) -> tuple[api.Person, ...]:
        """People by their opaque ids, as far as they are known."""
        body = request.get_json(silent=True)
        wanted = body.get("people") if isinstance(body, dict) else None
        if not isinstance(wanted, list) or len(wanted) > MOST_ROWS or not all(isinstance(one, str) for one in wanted):
            abort(400)
        return tuple(personnel.shown(person) for person in self._directory.several(wanted).values())

    def fill(self) -> None:
        """Read the journal at the start, beside everything else."""
        self._register.fill()
        self._chronicle.find(chronicle.Wanted((), limit=0))

    def punch(self) -> tuple[api.PunchRow, dict[str, Any]]:
        """One punch and its record as it stands in the chain."""
        found = self._register.punch(int(server.number_argument("seq", 2**53)))
        records = [] if found is None else self._journal.pick([found.seq])
        if found is None or not records:
            abort(404)
        return self._rows([found])[0], messages.parse(records[0].text)

    def presence(self) -> api.Attendance:
        """Who is in and who is on a break now, as the kiosk sees it too: how many, and the first of them."""
        found = self._whereabouts(MOST_SHOWN)
        names = self._names({one.person for one in (*found.inside.punches, *found.resting.punches)})
        people, away = (
            tuple(_present(one, names.get(one.person)) for one in there.punches) for there in (found.inside, found.resting)
        )
        return api.Attendance(found.inside.total, found.gone, people, found.resting.total, away)

    def _whereabouts(self, most: int | None) -> register.Whereabouts:
        day, now = _time("since"), self._journal.as_read(self._clock.now())
        if day is None:
            abort(400)
        return self._register.whereabouts(day, now, self._holds_for, most)

    def present_page(self) -> api.PresentPage:
        """All who are inside, or with `place` resting on a break; a part of them."""
        place, sort, (offset, limit) = request.args.get("place", "inside"), request.args.get("sort", "at"), _window()
        if place not in ("inside", "resting") or sort not in PRESENT_SORTS:
            abort(400)
        backwards = _flag("descending")
        there = self._whereabouts(None if backwards or sort != "at" else offset + limit)  # whoever came first is first already
        found = there.inside if place == "inside" else there.resting
        names, key = self._names({one.person for one in found.punches}), PRESENT_SORTS[sort]
        ranked = sorted(found.punches, key=lambda one: key(one, names.get(one.person)), reverse=backwards)
        shown = ranked[offset : offset + limit]  # only these are written out: of thousands that takes longest
        return api.PresentPage(found.total, tuple(_present(one, names.get(one.person)) for one in shown))

    def records_page(self) -> api.RecordsPage:
        """Records of some kinds, never punches; a part of them."""
        kinds = frozenset(request.args.get("kinds", "").split(",")) & READABLE_KINDS
        sort, (offset, limit) = request.args.get("sort", "seq"), _window()
        if sort not in chronicle.SORTS:
            abort(400)
        wanted = chronicle.Wanted(kinds, sort, request.args.get("descending", "1") == "1", offset, limit)
        found, line = self._chronicle.find(wanted), self._journal.timeline()
        records = self._journal.pick(found.seqs)
        shown = (messages.parse(record.text) | {"corrected": desk.time_shown(line.correct(record.stamp))} for record in records)
        return api.RecordsPage(found.total, tuple(shown))

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            Route("GET", "/v1/people-page", self.people_page),
            Route("GET", "/v1/person", self.person),
            Route("POST", "/v1/people-by-id", self.people_by_id),
            Route("GET", "/v1/punch-page", self.punch_page),
            Route("GET", "/v1/punch", self.punch),
            Route("GET", "/v1/presence", self.presence),
            Route("GET", "/v1/present-page", self.present_page),
            Route("GET", "/v1/records-page", self.records_page),
        )


def _by_number(number: str) -> tuple[int, str]:
    """Figures by their size, and before everything else."""
    return (len(number), number) if number.isdigit() else (1_000, number)


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
