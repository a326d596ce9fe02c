"""Forms: what was typed stays, what is wrong is said beside it. The kiosk has the last word on every value."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, DateTimeLocalField, HiddenField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation, ValidationError

from web_ui import house, languages, words

FILLED = InputRequired(_("Please fill this in."))
# Fields that no page gives back: each password, passphrase and code, what opens doors, and the token, of which there is a new one.
NEVER_KEPT = frozenset({"csrf_token", "current", "second", "password", "again", "passphrase", "code", "secret", "badge"})


class Within:
    """A day that every clock and calendar here can take; a slip such as the year 0202 is said beside the field."""

    FIRST, LAST = date(1900, 1, 1), date(9998, 12, 31)

    def __call__(self, _form: Any, field: Any) -> None:
        """Raises StopValidation, so that nobody reckons with it."""
        day = field.data.date() if isinstance(field.data, datetime) else field.data
        if day is not None and not self.FIRST <= day <= self.LAST:
            field.errors = []
            raise StopValidation(_("There is a slip in this date: look at its year."))


def day_field(label: Any, *rules: Any, hint: Any = "") -> DateField:
    """A day."""
    limits = {"min": Within.FIRST.isoformat(), "max": Within.LAST.isoformat()}
    return DateField(label, [*rules, Within()], description=hint, render_kw=limits)


def text(
    label: Any, *, hint: Any = "", longest: int = 64, required: bool = True, autocomplete: str = "off", **more: Any
) -> StringField:
    """A line of text; blanks alone are none."""
    rules = [
        DataRequired(FILLED.message) if required else Optional(),
        Length(max=longest, message=_("At most %(max)d characters.")),
    ]
    keywords = {"autocomplete": autocomplete, "maxlength": longest, **({"required": True} if required else {}), **more}
    return StringField(label, rules, description=hint, render_kw=keywords)


def secret_line(label: Any, *, hint: Any = "", autocomplete: str = "current-password") -> PasswordField:
    """A password; any paste and any password manager is welcome."""
    return PasswordField(
        label, [FILLED, Length(max=512)], description=hint, render_kw={"autocomplete": autocomplete, "required": True}
    )


class Form(FlaskForm):  # type: ignore[misc]
    """A form of ours. One that came back with the language switch is shown again with what was typed, and nothing is done."""

    def is_submitted(self) -> bool:
        return super().is_submitted() and not languages.only_switched()


class Really(Form):
    """Whoever sends it is the one who signed in: their password again, and a code of now where they have a second factor."""

    current = secret_line(_("Your password"), hint=_("To be sure that it is you."))
    second = text(
        _("Code from your authenticator"), hint=_("Six digits; one that has not been used yet."), longest=6, required=False,
        autocomplete="one-time-code", inputmode="numeric",
    )  # fmt: skip


class Login(Form):
    """Who are you?"""

    name = text(_("User name"), autocomplete="username", autocapitalize="none", spellcheck="false")
    password = secret_line(_("Password"))
    next = HiddenField()


class SecondFactor(Form):
    """The code of now."""

    code = text(
        _("Code from your authenticator"), hint=_("Six digits; they change every 30 seconds."), longest=6,
        autocomplete="one-time-code", inputmode="numeric",
    )  # fmt: skip
    next = HiddenField()


SCREEN_HINT = _("Eight digits, on the kiosk's screen.")
NEW_HINT = _("At least 12 characters. A few unrelated words do well; any characters may be used.")


class First(Form):
    """The first administrator."""

    code = text(_("Code on the kiosk's screen"), hint=SCREEN_HINT, longest=16, autocomplete="one-time-code", inputmode="numeric")
    name = text(_("User name"), hint=_("2 to 32 of a-z, 0-9, dot, underscore and hyphen."), longest=32, autocomplete="username")
    password = secret_line(_("Password"), hint=NEW_HINT, autocomplete="new-password")
    again = secret_line(_("Password again"), autocomplete="new-password")


class Recover(Form):
    """Whose password is lost?"""

    name = text(_("User name"), autocomplete="username", autocapitalize="none")


class Recovered(Form):
    """A new password for whoever reads the kiosk's screen."""

    code = text(_("Code on the kiosk's screen"), hint=SCREEN_HINT, longest=16, autocomplete="one-time-code", inputmode="numeric")
    password = secret_line(_("New password"), hint=NEW_HINT, autocomplete="new-password")
    again = secret_line(_("New password again"), autocomplete="new-password")


class ChangePassword(Really):
    """One's own."""

    password = secret_line(_("New password"), hint=NEW_HINT, autocomplete="new-password")
    again = secret_line(_("New password again"), autocomplete="new-password")


class TotpOn(Really):
    """The second factor begins with a code that it made."""

    secret = HiddenField()
    code = text(_("Code from your authenticator"), longest=6, autocomplete="one-time-code", inputmode="numeric")


class Confirm(Really):
    """Yes, and it is really me."""


class Taste(Form):
    """How pages look to one account."""

    language = SelectField(_("Language"), choices=[("", _("As the browser says")), *languages.NAMES.items()], validate_choice=True)
    theme = SelectField(_("Appearance"), choices=[("", _("As the system says")), ("light", _("Light")), ("dark", _("Dark"))])


class NewAccount(Really):
    """Somebody else may use this."""

    name = text(_("User name"), hint=_("2 to 32 of a-z, 0-9, dot, underscore and hyphen."), longest=32)
    role = SelectField(_("Role"), choices=list(words.ROLES.items()), default="operator")
    password = secret_line(_("First password"), hint=_("They choose their own when they sign in."), autocomplete="new-password")


class Role(Really):
    """Another role for an account."""

    role = SelectField(_("Role"), choices=list(words.ROLES.items()))


class ResetPassword(Really):
    """A password for somebody who has lost theirs."""

    password = secret_line(_("New password"), hint=_("They choose their own when they sign in."), autocomplete="new-password")


class Correction(Form):
    """A punch as it should have been."""

    direction = SelectField(_("Direction"), choices=list(words.DIRECTIONS.items()))
    at = DateTimeLocalField(
        _("Date and time at this place"),
        [FILLED, Within()],
        format=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"],
        render_kw={"step": "1", "required": True, "min": f"{Within.FIRST}T00:00", "max": f"{Within.LAST}T23:59"},
    )
    twice = SelectField(
        _("Which of the two"), [Optional()], default="", description=_("In that night the clock shows this time twice."),
        choices=[("", "–"), ("first", _("The first, before the clock is put back")), ("second", _("The second, after it"))],
    )  # fmt: skip
    reason = text(_("Reason"), hint=_("It stands in the journal and goes to the server; name nobody."), longest=200)


class ForgottenPunch(Correction):
    """A punch that nobody made."""

    number = text(_("Employee number"))


class Void(Form):
    """Why a punch counts no more."""

    reason = text(_("Reason"), hint=_("It stands in the journal and goes to the server; name nobody."), longest=200)


class ConsentTexts(Really):
    """The enterprise's own text, in every language."""

    version = text(_("Version"), hint=_("Another one than those before."), longest=32)
    zh_cn = TextAreaField("简体中文", [FILLED, Length(max=4_000)], render_kw={"rows": 12, "required": True, "lang": "zh-CN"})
    zh_tw = TextAreaField("繁體中文", [FILLED, Length(max=4_000)], render_kw={"rows": 12, "required": True, "lang": "zh-TW"})
    en = TextAreaField("English", [FILLED, Length(max=4_000)], render_kw={"rows": 12, "required": True, "lang": "en"})
    asks_again = BooleanField(_("Ask everybody again: earlier consents count no more from now on."))


class Request(Form):
    """Somebody asked something about their data."""

    number = text(_("Employee number"))
    kind = SelectField(_("What was asked"), choices=list(words.REQUESTS.items()))
    opened = day_field(_("When it was asked"), FILLED)

    def validate_opened(self, field: DateField) -> None:
        """A time limit runs from it."""
        if field.data > house.today():
            raise ValidationError(_("That day has not come yet."))


class Outcome(Form):
    """What became of a request."""

    outcome = SelectField(_("Outcome"), choices=list(words.OUTCOMES.items()))


class Place(Form):
    """First step of the wizard."""

    enterprise = text(_("Name of the enterprise"), hint=_("Shown on the kiosk."), required=False)
    site = text(_("Name of this place"), hint=_("Such as: main gate. Written into each punch; never coordinates."), required=False)
    contact = text(
        _("Whom to ask about personal data"), longest=120, required=False,
        hint=_("A name with a telephone number or an address; shown on the kiosk and under Privacy."),
    )  # fmt: skip
    time_zone = SelectField(_("Time zone"))
    language = SelectField(_("Language"), choices=list(languages.NAMES.items()))


class Join(Form):
    """The invitation, and then the code on the kiosk's screen: whoever joins stands before it."""

    invitation = TextAreaField(
        _("Invitation"), [FILLED, Length(max=4_000)],
        description=_("One line that begins with daka-join: and comes from the enterprise."),
        render_kw={"rows": 4, "required": True, "autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
    code = text(
        _("Code on the kiosk's screen"), hint=_("It is shown once the invitation was sent; under For administrators."), longest=16,
        required=False, autocomplete="one-time-code", inputmode="numeric",
    )  # fmt: skip


class NewBackup(Really):
    """Sealed with a passphrase that nobody else keeps."""

    passphrase = secret_line(
        _("Passphrase"), autocomplete="new-password",
        hint=_("12 characters or more. Nobody can open the backup without it, and nobody can tell it to you again."),
    )  # fmt: skip
    again = secret_line(_("Passphrase again"), autocomplete="new-password")


class Restore(Form):
    """A sealed file and what opens it."""

    file = FileField(_("Backup"), [FileRequired(_("Choose a file first."))])
    passphrase = secret_line(_("Passphrase"), autocomplete="off")


class Release(Really):
    """A new version and what signs it."""

    archive = FileField(
        _("Release"), [FileRequired(_("Choose a file first."))], description=_("Named like daka-1.2.3-cp311-aarch64.tar.")
    )
    signature = FileField(
        _("Its signature"), [FileRequired(_("Choose a file first."))], description=_("The same name, ending in .targets.json.")
    )


class Report(Form):
    """An evaluation that somebody else made."""

    report = FileField(
        _("Report"),
        [FileRequired(_("Choose a file first."))],
        description=_("From daka evaluate: .html or .json, at most 8 MB."),
    )


class LockName(Form):
    """What people call a lock."""

    name = text(_("Name of the lock"), hint=_("It is written into the lock and shown on its display."), longest=24)


class Nothing(Form):
    """A button: nothing but the proof that it is our own."""
