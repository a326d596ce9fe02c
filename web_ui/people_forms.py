"""Forms about people: who they are, what they agreed to, what they clock in with, and lists of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, HiddenField, SelectField
from wtforms.validators import InputRequired, Optional

from web_ui import languages, stale, words
from web_ui.forms import FILLED, Form, Really, day_field, text

ENCODINGS = {
    "gb18030": _("GB18030, as Excel writes it in Mainland China"),
    "big5": _("Big5, as Excel writes it in Taiwan and Hong Kong"),
}


CHANGING = ("name", "language", "group", "expires", "supervisor")


def said(name: str, language: str, group: str, last: date | None, *, supervisor: bool) -> dict[str, str]:
    """What is known of somebody, as it is compared."""
    texts = (name, language, group, last.isoformat() if last else "", "yes" if supervisor else "no")
    return dict(zip(CHANGING, texts, strict=True))


def usual_encoding() -> str:
    """What a spreadsheet of whoever reads this writes."""
    return "big5" if languages.chosen() == "zh-TW" else "gb18030"


def encoding() -> SelectField:
    """How a file is written that is no UTF-8: one of them reads as nonsense in the other, and nobody can tell from the bytes."""
    return SelectField(
        _("Characters, where the file is not UTF-8"),
        choices=list(ENCODINGS.items()),
        description=_("Files in UTF-8 are known as such."),
    )


class NewPerson(Form):
    """An employee."""

    number = text(_("Employee number"))
    name = text(_("Name"))
    language = SelectField(_("Language"), choices=list(languages.NAMES.items()))


class ChangePerson(Form):
    """What is known of an employee."""

    name = text(_("Name"))
    language = SelectField(_("Language"), choices=list(languages.NAMES.items()))
    group = text(_("Group"), required=False)
    expires = day_field(_("Last day"), Optional(), hint=_("For visitors and temporary workers; empty: no end."))
    supervisor = BooleanField(_("May vouch for others at the kiosk (supervisor)"))
    shown = HiddenField()

    def sent(self) -> dict[str, str]:
        """What stands in the form."""
        named = (self.name.data.strip(), self.language.data, (self.group.data or "").strip())
        return said(*named, self.expires.data, supervisor=bool(self.supervisor.data))

    def had_shown(self) -> dict[str, str]:
        """What stood in it when it was opened, as far as it says so."""
        try:
            said = json.loads(self.shown.data or "{}")
        except ValueError:
            return {}
        return {name: said[name] for name in CHANGING if isinstance(said.get(name), str)} if isinstance(said, dict) else {}

    def typed(self) -> dict[str, str]:
        """What differs from what it had shown; a date that cannot be read does, too."""
        sent = self.sent()
        is_slip = self.expires.data is None and any(text.strip() for text in self.expires.raw_data or ())
        return stale.typed(self.had_shown(), sent) | ({"expires": sent["expires"]} if is_slip else {})

    def renew(self, now: Mapping[str, str], told: Collection[str]) -> None:
        """Before it is shown again: what was not typed stands as it is by now.

        What was typed keeps what it was typed over, until somebody is `told` that it has moved.
        """
        typed, shown = self.typed(), self.had_shown()
        for name in set(CHANGING) - set(typed):
            self.put(name, now[name])
        base = {name: shown[name] for name in typed if name in shown and name not in told}
        self.shown.data = json.dumps({**now, **base})

    def put(self, name: str, text: str) -> None:
        """Let a field stand as it is by now."""
        field, value = self[name], text if name != "expires" else date.fromisoformat(text) if text else None
        field.data = text == "yes" if name == "supervisor" else value
        field.raw_data = [text]


class Badge(Form):
    """A badge's text as its reader types it."""

    badge = text(_("Badge"), hint=_("Put the cursor here and hold the badge to a reader, or type what it reads."), longest=128)


class PeopleList(Form):
    """A list, looked at first."""

    file = FileField(
        _("CSV file"), description=_("Columns: number, name; optional: language, group, expires, pin, badge, qr, supervisor.")
    )
    encoding = encoding()


class Photographs(Form):
    """Photographs and whose they are, looked at first."""

    archive = FileField(
        _("ZIP file with the photographs"), [FileRequired(FILLED.message)], description=_("JPEG or PNG, at most 512 MB together.")
    )
    table = FileField(
        _("CSV file that says whose they are"),
        description=_("Columns: number, photograph (the file's name in the ZIP). It may also lie in the ZIP itself."),
    )
    encoding = encoding()


class Erase(Really):
    """Why somebody is erased, and that it is meant."""

    reason = SelectField(
        _("Reason"),
        choices=[("asked", _("The person asked for it")), ("left", _("The person has left"))],
    )


class Consent(Form):
    """The person has read the text and agrees."""

    language = SelectField(_("Language of the text"), choices=list(languages.NAMES.items()))
    shown = HiddenField()
    basis = SelectField(_("Legal basis"), choices=list(words.BASES.items()))
    reference = text(
        _("Law or contract"), required=False,
        hint=_("Which law the duty stands in, or which contract; for a legal duty it is needed."),
    )  # fmt: skip
    agreed = BooleanField(
        _("The person has read this text, or had it read to them, and agrees of their own will."),
        [InputRequired(_("Without this there is no consent."))],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """A duty stands in a law."""
        good = bool(super().validate(extra_validators))
        if self.basis.data == "legal_duty" and not (self.reference.data or "").strip():
            self.reference.errors = (_("Name the law that the duty stands in."),)
            return False
        return good


class Photograph(Form):
    """Used once and dropped."""

    photograph = FileField(_("Photograph"), description=_("JPEG or PNG, at most 16 MB: one face, from the front, well lit."))
    look_alike_of = text(
        _("Looks like employee number"), required=False,
        hint=_("Only if two people look alike: both then need a badge, QR code or PIN with the face."),
    )  # fmt: skip
