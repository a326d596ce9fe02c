"""The directory's changes, each with its record: lists of employees, and who may clock in with which PIN, badge, code or phone.

The journal has a change first. No name, number, PIN, badge or code enters it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from urllib.parse import quote

from device import api, messages, people
from device.clock import Clock
from device.journal import Journal
from device.people import Act, Directory, Entry, PeopleError, Person, PinRefused, Step, credentials, roster, table
from device.sentences import say
from device.telling import Tell, silent

DRAWN_PIN_DIGITS = 8
EMPTIED = "-"
ACTIONS = {Act.CHANGE: "person_changed", Act.END: "person_ended"}


class Personnel:
    """The personnel office of one kiosk."""

    def __init__(self, journal: Journal, directory: Directory, clock: Clock, zone: tzinfo, left_days: float = 0) -> None:
        """`zone`: the place's, by whose clock a last day ends. `left_days` after it a person is erased by itself; 0: never."""
        self.zone, self.left_days = zone, left_days
        self._journal, self._directory, self._clock = journal, directory, clock

    def import_list(self, text: str, by: str, *, dry_run: bool, tell: Tell = silent) -> api.ListReport:
        """A CSV list, taken over as a whole; one line that is refused, and nothing is."""
        roster.check_text("whoever does this", by)
        tell("lines", 0, 0)
        steps = self._directory.roll.plan(table.read_csv(text, self.zone))
        if dry_run or any(step.act is Act.REFUSE for step in steps):
            return _report(steps, applied=False)
        self._apply(steps, by, "list_imported", "kiosk", tell)
        return _report(steps, applied=True)

    def apply_roster(self, entries: Iterable[Entry | roster.Refusal], by: str, *, complete: bool) -> api.ListReport:
        """The server's roster, or a page of it. A line that is refused is reported, and the others are taken over.

        `complete`: whoever an earlier roster brought and this one lacks clocks in no more from now on.
        """
        roster.check_text("whoever does this", by)
        lines = [(line, _checked(entry)) for line, entry in enumerate(entries, start=1)]
        steps = self._directory.roll.plan(lines, self._clock.now().at if complete else None)
        self._apply(steps, by, "roster_applied", "roster")
        return _report(steps, applied=True)

    def _apply(self, steps: tuple[Step, ...], by: str, action: str, origin: str, tell: Tell = silent) -> None:
        if all(step.act in (Act.SAME, Act.REFUSE) for step in steps):
            return
        moment = self._clock.now()
        records: list[messages.Body] = [messages.Audit(action, by)]
        records += [messages.PersonAnnounced(step.person, origin) for step in steps if step.act is Act.ADD]
        records += [messages.Audit(ACTIONS[step.act], by, step.person, *_sides(step)) for step in steps if step.act in ACTIONS]
        self._journal.append_all(records, moment)
        self._directory.roll.apply(steps, moment.at, origin, tell)

    def now(self) -> datetime:
        """By the kiosk's clock."""
        return self._clock.now().at

    def has_left(self, person: Person) -> bool:
        """Whether their last day is over."""
        return person.expires_at is not None and self.now() >= person.expires_at

    def change_person(
        self, number: str, name: str, language: str, group: str, expires: str, supervisor: str, by: str
    ) -> api.Person:
        """Change what is known of a person; "" leaves a field, "-" empties group or expiry. Nothing is recorded of no change."""
        person = self._directory.by_number(number)
        entry = Entry(
            person.number,
            name or person.name,
            language or person.language,
            _changed(group, person.group),
            person.expires_at if not expires else self._end("" if expires == EMPTIED else expires),
            person.supervisor if not supervisor else roster.read_flag(supervisor),
            person.person,
        )
        roster.check(entry)
        step = Step(0, number, Act.CHANGE, "", person.person, entry, roster.changes_of(_known(person), entry))
        if step.changes:
            self._audit("person_changed", by, person, *_sides(step))
            self._directory.roll.apply([step], self._clock.now().at, "kiosk")
        return self._shown(person)

    def _end(self, text: str) -> datetime | None:
        """Somebody's last day as it was typed. A year too early would erase them within the hour."""
        found = roster.read_expiry(text, self.zone)
        if found and self.left_days and self._clock.now().at - found >= timedelta(days=self.left_days):
            raise PeopleError(say("list.long_gone", days=f"{self.left_days:g}"))
        return found

    def set_pin(self, number: str, pin: str, by: str) -> api.PinSet:
        """A pre-assigned PIN, drawn if none is given; the person changes it at first use."""
        person = self._directory.by_number(number)
        chosen = pin or _drawn_pin(number)
        credentials.check_pin_text(chosen, number)
        self._audit("pin_assigned", by, person)
        self._directory.credentials.set_pin(person.person, number, chosen, self._clock.now().at, must_change=True)
        return api.PinSet(person.person, chosen)

    def remove_pin(self, number: str, by: str) -> api.Person:
        """No PIN of this person's is taken any more."""
        person = self._audit("pin_removed", by, self._directory.by_number(number))
        self._directory.credentials.remove_pin(person.person)
        return self._shown(person)

    def add_badge(self, number: str, text: str, by: str) -> api.Person:
        """Give a badge to a person; CodeRefused if it is somebody else's."""
        person = self._directory.by_number(number)
        self._directory.credentials.check_free("badge", text, person.person)
        self._audit("badge_given", by, person)
        self._directory.credentials.add_code(person.person, "badge", text, self._clock.now().at)
        return self._shown(person)

    def remove_badges(self, number: str, by: str) -> api.Person:
        """No badge of this person's is taken any more."""
        person = self._audit("badges_removed", by, self._directory.by_number(number))
        self._directory.credentials.remove_codes(person.person, "badge")
        return self._shown(person)

    def new_code(self, number: str, by: str) -> api.CodeIssued:
        """A static QR code to print, in place of earlier ones."""
        person = self._audit("code_issued", by, self._directory.by_number(number))
        text = self._directory.credentials.new_static_code(person.person, self._clock.now().at)
        return api.CodeIssued(person.person, text)

    def remove_codes(self, number: str, by: str) -> api.Person:
        """No static code of this person's is taken any more."""
        person = self._audit("codes_removed", by, self._directory.by_number(number))
        self._directory.credentials.remove_codes(person.person, "qr")
        return self._shown(person)

    def new_phone(self, number: str, by: str) -> api.PhoneIssued:
        """The secret of a phone that shows rotating codes, in place of an earlier phone's."""
        person = self._audit("phone_issued", by, self._directory.by_number(number))
        phone = self._directory.credentials.new_phone(person.person, self._clock.now().at)
        uri = (
            f"otpauth://totp/Daka:{quote(phone.phone)}?secret={phone.secret}&issuer=Daka&algorithm=SHA256"
            f"&digits={credentials.PHONE_DIGITS}&period={credentials.PHONE_STEP_S}"
        )
        return api.PhoneIssued(person.person, phone.phone, phone.secret, uri)

    def remove_phone(self, number: str, by: str) -> api.Person:
        """No code of the person's phone is taken any more."""
        person = self._audit("phone_removed", by, self._directory.by_number(number))
        self._directory.credentials.remove_phone(person.person)
        return self._shown(person)

    def _audit(self, action: str, by: str, person: Person, before: str = "", after: str = "") -> Person:
        roster.check_text("whoever does this", by)
        self._journal.append(messages.Audit(action, by, person.person, before, after), self._clock.now())
        return person

    def _shown(self, person: Person) -> api.Person:
        return shown(self._directory.get(person.person))


def shown(person: Person) -> api.Person:
    """A person as the kiosk daemon answers."""
    return api.Person(
        person.person,
        person.number,
        person.name,
        person.language,
        person.has_consent,
        person.templates,
        person.group,
        "" if person.expires_at is None else messages.write_time(person.expires_at),
        person.supervisor,
        person.origin,
        person.has_pin,
        person.badges,
        person.codes,
        person.has_phone,
    )


def _checked(entry: Entry | roster.Refusal) -> Entry | roster.Refusal:
    if isinstance(entry, roster.Refusal):
        return entry
    try:
        if not entry.person:
            raise people.PeopleError("a roster names each person by an opaque id; this line has none")
        roster.check(entry)
    except people.PeopleError as error:
        return roster.Refusal(entry.number, str(error), entry.person)
    return entry


def _report(steps: Iterable[Step], *, applied: bool) -> api.ListReport:
    return api.ListReport(applied, tuple(_step(step) for step in steps))


def _step(step: Step) -> api.ListStep:
    name, changes = step.entry.name if step.entry else "", tuple(change.column for change in step.changes)
    return api.ListStep(step.line, step.number, step.act, step.why, api.reason(step.why), name, changes)


def _known(person: Person) -> Entry:
    flags = (person.group, person.expires_at, person.supervisor)
    return Entry(person.number, person.name, person.language, *flags, person.person)


def _sides(step: Step) -> tuple[str, str]:
    """What changed, from what to what; of a name, a PIN, a badge or a code only that it did."""
    told = [change for change in step.changes if change.before or change.after]
    untold = [change.column for change in step.changes if not (change.before or change.after)]
    before = [f"{change.column} = {change.before}" for change in told]
    return "; ".join(before), "; ".join([*untold, *(f"{change.column} = {change.after}" for change in told)])


def _changed(given: str, now: str) -> str:
    return now if not given else "" if given == EMPTIED else given


def _drawn_pin(number: str) -> str:
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(DRAWN_PIN_DIGITS))
        try:
            credentials.check_pin_text(pin, number)
        except PinRefused:
            continue
        return pin
