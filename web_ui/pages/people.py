"""People: find, add, agree, enrol, take back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response

from device.api import KioskRefused, PeoplePage
from web_ui import addresses, forms, people_forms, stale, tables
from web_ui.house import actor, house, kiosk, place, today
from web_ui.jobs import Job, TooMuch
from web_ui.languages import NAMES
from web_ui.pages.accounts import is_really_me
from web_ui.photographs import MOST_PICTURE_BYTES, MOST_TABLE_BYTES, PICTURES, ArchiveRefused, decoded
from web_ui.roles import OFFICE, READERS, needs
from web_ui.show import moment
from web_ui.words import sentence

pages = addresses.known(Blueprint("people", __name__))

INVALID = 422
TELLING = ("refuse", "change", "end", "add", "same")  # what somebody should see first
NOTHING_SHOWN = "-"  # no text has this hash
_CHANGED = _l(
    "The text has changed since this page was opened. The new one stands above: read it, or have it read, before you tick."
)
SORTS = ("number", "name", "language", "consent", "ways", "group", "expires_at")
STATES = {
    "": _l("Everybody"), "consent": _l("With consent"), "no_consent": _l("Without consent"), "enrolled": _l("Enrolled"),
    "not_enrolled": _l("Not enrolled"), "no_way": _l("Without any way to clock in"), "supervisor": _l("Supervisors"),
}  # fmt: skip


@pages.get("/people")
@needs(READERS)
def listing() -> str:
    """Everybody who matches."""
    table = tables.asked(SORTS, "number")
    search, state = request.args.get("search", "").strip()[:64], request.args.get("state", "")
    state = state if state in STATES else ""

    def ask(offset: int, limit: int) -> PeoplePage:
        return kiosk().people_page(search, state, table.sort, descending=table.descending, offset=offset, limit=limit)

    counted, found = tables.part(table, ask)
    return render_template("people.html", people=found.people, table=counted, search=search, state=state, states=STATES)


@pages.route("/people/new", methods=["GET", "POST"])
@needs(OFFICE)
def new() -> Response | str | tuple[str, int]:
    """A new employee."""
    form = people_forms.NewPerson(language=place().language)
    if form.validate_on_submit():
        try:
            person = kiosk().add_person(form.number.data.strip(), form.name.data.strip(), form.language.data, actor())
        except KioskRefused as refused:
            (form.number if refused.kind == "NumberTaken" else form.name).errors = (sentence(refused),)
        else:
            flash(_("%(name)s was added. Next: consent, or another way to clock in.", name=person.name))
            return redirect(url_for("people.person", number=person.number))
    return render_template("person_new.html", form=form), INVALID if form.errors else 200


@pages.get("/people/<number:number>")
@needs(READERS)
def person(number: str) -> str:
    """One employee: what is held, and what can be done."""
    found = kiosk().person(number)
    punches = kiosk().punch_page(number=number, descending=1, limit=10)
    return render_template("person.html", person=found, punches=punches, button=forms.Nothing())


@pages.route("/people/<number:number>/change", methods=["GET", "POST"])
@needs(OFFICE)
def change(number: str) -> Response | str | tuple[str, int]:
    """What is known of somebody. Only what was typed is written, and not over what somebody else has set meanwhile."""
    found = kiosk().person(number)
    last = (moment(found.expires_at) - timedelta(seconds=1)).date() if found.expires_at else None
    given = {"name": found.name, "language": found.language, "group": found.group, "expires": last, "supervisor": found.supervisor}
    form = people_forms.ChangePerson(**given)
    now = people_forms.said(found.name, found.language, found.group, last, supervisor=found.supervisor)
    told: list[str] = []
    if form.validate_on_submit():
        shown, changes = form.had_shown(), form.typed()
        told = stale.moved(shown, now, changes)
        for name in told:
            form[name].errors = (stale.words(shown[name], now[name]),)
        if not form.errors and _changed(number, form, changes):
            flash(_("Written."))
            return redirect(url_for("people.person", number=number))
    form.renew(now, told)
    return render_template("person_change.html", person=found, form=form), INVALID if form.errors else 200


def _changed(number: str, form: people_forms.ChangePerson, changes: dict[str, str]) -> bool:
    """Whether it is written; if not, why not stands beside the form."""
    emptied = {name: "-" for name in ("group", "expires") if changes.get(name) == ""}
    told = dict.fromkeys(people_forms.CHANGING, "") | changes | emptied
    try:
        name, language, group, expires, supervisor = (told[name] for name in people_forms.CHANGING)
        kiosk().change_person(number, name, language, group, expires, supervisor, actor())
    except KioskRefused as refused:
        form.name.errors = (sentence(refused),)
        return False
    return True


@pages.post("/people/<number:number>/held")
@needs(OFFICE)
def held(number: str) -> Response:
    """Everything that is held about somebody, signed, for them to keep; no template's numbers are in it."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    text = house().holdings.export(number, actor()).text
    headers = {"Content-Disposition": f'attachment; filename="held-{today()}.json"'}
    return Response(text, mimetype="application/json", headers=headers)


@pages.route("/people/<number:number>/erase", methods=["GET", "POST"])
@needs(OFFICE)
def erase(number: str) -> Response | str | tuple[str, int]:
    """Asked first, with what follows from it and one's own password; the receipt is a record of the journal."""
    found, form = kiosk().person(number), people_forms.Erase()
    if form.validate_on_submit() and is_really_me(form):
        done = kiosk().erase(number, form.reason.data, actor())
        if done.remains:
            flash(_("Erased, but traces remain in %(files)s; see to these files.", files=", ".join(done.remains)), "error")
        else:
            flash(_("Erased; nothing remains. The receipt is record %(seq)s.", seq=done.seq))
        return redirect(url_for("people.listing"))
    return render_template("erase.html", person=found, form=form), INVALID if form.errors else 200


@pages.route("/people/import", methods=["GET", "POST"])
@needs(OFFICE)
def import_list() -> Response | str | tuple[str, int]:
    """A list is looked at first; what it would do has an address of its own."""
    form = people_forms.PeopleList(encoding=people_forms.usual_encoding())
    if form.validate_on_submit():
        try:
            data = form.file.data.read(MOST_TABLE_BYTES + 1) if form.file.data else b""
            text = decoded(data, MOST_TABLE_BYTES, form.encoding.data)
            report = kiosk().import_list(text, actor(), dry_run=True)
        except (KioskRefused, ArchiveRefused) as refused:
            form.file.errors = (sentence(refused) if isinstance(refused, KioskRefused) else str(refused),)
        else:
            job = house().jobs.keep(current_user.account.id, "look", report, text)
            return redirect(url_for("people.looked", key=job.key))
    return render_template("people_import.html", form=form, report=None), INVALID if form.errors else 200


@pages.get("/people/import/empty.csv")
@needs(OFFICE)
def empty_list() -> Response:
    """A list with nobody in it, for a spreadsheet: its headings are the reader's own words, and are understood."""
    heads = (
        _("Employee number"),
        _("Name"),
        _("Language"),
        _("Group"),
        _("Last day"),
        _("PIN"),
        _("Badge"),
        _("QR code"),
        _("Supervisor"),
    )
    text = ",".join(str(head) for head in heads)
    headers = {"Content-Disposition": 'attachment; filename="people.csv"'}
    return Response(f"\ufeff{text}\r\n", mimetype="text/csv", headers=headers)


@pages.get("/people/import/looked/<key>")
@needs(OFFICE)
def looked(key: str) -> str:
    """What a list would do; it stands here until it is taken over, another one is looked at, or an hour is over."""
    report = _found(key, "look").result
    steps = sorted(report.steps, key=lambda step: TELLING.index(step.act))
    form = people_forms.PeopleList(encoding=people_forms.usual_encoding())
    return render_template("people_import.html", form=form, report=report, steps=steps, key=key)


@pages.post("/people/import/looked/<key>")
@needs(OFFICE)
def take_over(key: str) -> Response:
    """As a whole or not at all, beside the pages: PINs take their time."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    client, by, text = kiosk(), actor(), _found(key, "look").held
    try:
        job = house().jobs.start(
            current_user.account.id, "import", lambda job: client.import_list(text, by, dry_run=False, work=job.key)
        )
    except TooMuch:
        abort(429)
    house().jobs.drop(current_user.account.id, "look")
    return redirect(url_for("people.imported", key=job.key))


@pages.get("/people/import/<key>")
@needs(OFFICE)
def imported(key: str) -> str:
    """How far a list is taken over, and what became of it."""
    return render_template("people_imported.html", job=_found(key, "import"), title=_("Import people"))


def _found(key: str, kind: str) -> Job:
    job = house().jobs.find(key, current_user.account.id)
    if job is None or job.kind != kind:
        abort(404)
    return job


@pages.route("/people/<number:number>/consent", methods=["GET", "POST"])
@needs(OFFICE)
def consent(number: str) -> Response | str | tuple[str, int]:
    """The text in the person's language, and their yes to exactly what stood there."""
    found = kiosk().person(number)
    form = people_forms.Consent(language=request.args.get("language", found.language))
    if form.validate_on_submit() and _agreed(number, form):
        flash(_("The consent is in force."))
        return redirect(url_for("people.person", number=number))
    texts = {text.language: text for text in kiosk().consent_texts()}
    text = texts[form.language.data if form.language.data in NAMES else found.language]
    if form.shown.data != text.sha256:
        form.agreed.data = False  # whatever was ticked was ticked below another text
    return render_template("consent.html", person=found, form=form, text=text), INVALID if form.errors else 200


def _agreed(number: str, form: people_forms.Consent) -> bool:
    """Whether it is recorded; if not, why not stands beside the form."""
    reference = (form.reference.data or "").strip()
    try:
        kiosk().give_consent(number, form.language.data, form.basis.data, actor(), "", reference, form.shown.data or NOTHING_SHOWN)
    except KioskRefused as refused:
        why = _CHANGED if refused.kind == "ConsentChanged" else sentence(refused)
        (form.reference if refused.said.name == "list.letters" else form.agreed).errors = (why,)
        return False
    return True


@pages.route("/people/<number:number>/withdraw", methods=["GET", "POST"])
@needs(OFFICE)
def withdraw(number: str) -> Response | str:
    """Asked first, with what follows from it."""
    found = kiosk().person(number)
    if forms.Nothing().validate_on_submit():
        _told(lambda: kiosk().withdraw_consent(number, actor()), _("The consent is withdrawn; the template is destroyed."))
        return redirect(url_for("people.person", number=number))
    return render_template(
        "confirm.html",
        title=_("Withdraw the consent of %(name)s", name=found.name),
        consequences=[
            _("The template and its key are destroyed at once; they cannot be brought back."),
            _("Face cards of this person open no more."),
            _("From now on this person clocks in by PIN, QR code or badge."),
            _("Earlier punches stay as they are."),
        ],
        action=_("Withdraw and destroy"),
        back=url_for("people.person", number=number),
        form=forms.Nothing(),
    )


@pages.route("/people/<number:number>/enrol", methods=["GET", "POST"])
@needs(OFFICE)
def enrol(number: str) -> Response | str | tuple[str, int]:
    """A template from one photograph, which goes to the kiosk daemon unopened and is dropped there."""
    found, form = kiosk().person(number), people_forms.Photograph()
    if form.validate_on_submit():
        data = form.photograph.data.read(MOST_PICTURE_BYTES + 1) if form.photograph.data else b""
        if not data.startswith(PICTURES) or len(data) > MOST_PICTURE_BYTES:
            form.photograph.errors = (_("This is neither a JPEG nor a PNG of at most 16 MB; choose another file."),)
        else:
            try:
                enrolled = kiosk().enrol(number, data, actor(), form.look_alike_of.data or "")
            except KioskRefused as refused:
                form.photograph.errors = (sentence(refused),)
            else:
                flash(_("Enrolled; the photograph is gone. Templates: %(count)s.", count=enrolled.templates))
                return redirect(url_for("people.person", number=number))
    return render_template("enrol.html", person=found, form=form), INVALID if form.errors else 200


@pages.route("/people/<number:number>/sitting", methods=["GET", "POST"])
@needs(OFFICE)
def sitting(number: str) -> Response | str:
    """Enrolment before the kiosk's camera: begun here, led by the kiosk's own screen, watched here."""
    if request.method == "POST" and forms.Nothing().validate_on_submit():
        try:
            if request.form.get("act") == "end":
                kiosk().end_sitting()
            else:
                kiosk().begin_sitting(number, actor())
        except KioskRefused as refused:
            flash(sentence(refused), "error")
            return redirect(url_for("people.person", number=number))
        return redirect(url_for("people.sitting", number=number))
    found = kiosk().sitting(0, 0.0)
    mine = found.number == number and found.state != "none"
    return render_template("sitting.html", person=kiosk().person(number), sitting=found if mine else None, button=forms.Nothing())


@pages.route("/people/<number:number>/remove-face", methods=["GET", "POST"])
@needs(OFFICE)
def remove_face(number: str) -> Response | str:
    """Somebody looks different now; asked first, since whoever knows their PIN could be enrolled in their place."""
    found = kiosk().person(number)
    if forms.Nothing().validate_on_submit():
        done = _("The enrolled face is removed. Have the person enrolled anew while you are with them.")
        _told(lambda: kiosk().remove_face(number, actor()), done)
        return redirect(url_for("people.person", number=number))
    return render_template(
        "confirm.html",
        title=_("Remove the enrolled face of %(name)s", name=found.name),
        consequences=[
            _("For somebody who looks different now, or whose face was enrolled from a wrong photograph."),
            _("The templates are destroyed at once; the consent stays."),
            _("Other kiosks of the site give this face up when they take this kiosk's next package (daka site export)."),
            _("Until a new face is enrolled, whoever knows this person's PIN could enrol their own: do it with the person there."),
        ],
        action=_("Remove the face"),
        back=url_for("people.person", number=number),
        form=forms.Nothing(),
    )


@pages.post("/people/<number:number>/revoke-cards")
@needs(OFFICE)
def revoke_cards(number: str) -> Response:
    """A card was lost."""
    if forms.Nothing().validate_on_submit():
        _told(lambda: kiosk().revoke_cards(number, actor()), _("The face cards of this person open no more."))
    return redirect(url_for("people.person", number=number))


def _told(deed: Callable[[], object], done: str) -> None:
    """Do it, and say what came of it on the next page."""
    try:
        deed()
    except KioskRefused as refused:
        flash(sentence(refused), "error")
    else:
        flash(done)
