"""Backups: made on the kiosk, taken along sealed, and the way back with its consequences named before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from flask import Blueprint, Response, abort, flash, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as AnyResponse

from device.api import BackupContent, BackupsClient, KioskRefused
from web_ui import forms, tables, uploads
from web_ui.house import actor, house
from web_ui.jobs import Job, TooMuch
from web_ui.pages.accounts import is_really_me
from web_ui.roles import ADMINISTRATORS, needs
from web_ui.words import kiosk_says

pages = Blueprint("backups", __name__)

INVALID = 422
PIECE_BYTES = 4 * 2**20


def client() -> BackupsClient:
    """The kiosk daemon, as far as backups go."""
    return house().backups


@pages.route("/backups", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def page() -> AnyResponse | str | tuple[str, int]:
    """What lies on the kiosk; a new one from here."""
    form = forms.NewBackup()
    if form.validate_on_submit() and _same(form) and is_really_me(form):
        asked, passphrase, by = client(), form.passphrase.data, actor()
        return _begin("backup", lambda job: asked.make_backup(passphrase, by, job.key), "backups.made")
    table, lying = tables.cut(client().backups(), tables.columns("at", "name", "size_bytes"), "at", descending=True, name="backups")
    shown = render_template("backups.html", backups=lying, table=table, form=form, button=forms.Nothing())
    return shown, INVALID if form.errors else 200


def _same(form: forms.NewBackup) -> bool:
    if form.passphrase.data == form.again.data:
        return True
    form.again.errors = (_("The two passphrases are not the same."),)
    return False


def _begin(kind: str, work: Callable[[Job], object], where: str) -> AnyResponse:
    try:
        job = house().jobs.start(current_user.account.id, kind, work)
    except TooMuch:
        abort(429)
    return redirect(url_for(where, key=job.key))


def _job(key: str) -> Job:
    job = house().jobs.find(key, current_user.account.id)
    if job is None:
        abort(404)
    return job


@pages.get("/backups/made/<key>")
@needs(ADMINISTRATORS)
def made(key: str) -> str:
    """How far a new backup is."""
    return render_template("backup_made.html", job=_job(key), title=_("Backup"))


@pages.get("/backups/<name>")
@needs(ADMINISTRATORS)
def download(name: str) -> Response:
    """One of them, sealed as it lies there, piece by piece."""
    found = next((backup for backup in client().backups() if backup.name == name), None)
    if found is None:
        abort(404)
    asked = client()

    def pieces() -> Iterator[bytes]:
        offset = 0
        while piece := asked.backup_piece(name, offset):
            yield piece
            offset += len(piece)

    house().audit.record("backup_taken", actor(), "", name)
    answer = Response(pieces(), mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.content_length = found.size_bytes
    return answer


@pages.route("/backups/<name>/remove", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def remove(name: str) -> AnyResponse | str:
    """It lies on the kiosk no more; what follows from it is named first."""
    form = forms.Nothing()
    if form.validate_on_submit():
        client().remove_backup(name, actor())
        flash(_("The backup was removed from the kiosk; copies elsewhere are yours to keep or delete."))
        return redirect(url_for("backups.page"))
    consequences = (_("Where it was not downloaded, nobody has it any more."), _("Copies elsewhere are not concerned."))
    title, back = _("Remove the backup %(name)s", name=name), url_for("backups.page")
    return render_template("confirm.html", form=form, title=title, consequences=consequences, action=_("Remove"), back=back)


@pages.route("/backups/restore", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def restore() -> AnyResponse | str | tuple[str, int]:
    """A backup is brought and looked into; nothing changes yet."""
    form = forms.Restore()
    if form.validate_on_submit():
        asked, passphrase, brought = client(), form.passphrase.data, uploads.kept(form.file.data)

        def work(job: Job) -> BackupContent:
            with brought:
                _bring(job, asked, brought)
            return asked.look_into_restore(passphrase, job.key)

        return _begin("restore", work, "backups.looked")
    return render_template("restore.html", form=form), INVALID if form.errors else 200


def _bring(job: Job, asked: BackupsClient, file: IO[bytes]) -> None:
    job.doing, job.total = "handing", uploads.size(file)
    piece = file.read(PIECE_BYTES)
    while True:
        asked.restore_piece(job.done, piece, job.total)
        job.done += len(piece)
        piece = file.read(PIECE_BYTES)
        if not piece:
            return


@pages.route("/backups/restore/<key>", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def looked(key: str) -> AnyResponse | str | tuple[str, int]:
    """What the backup holds, what follows, and the last question."""
    job, form = _job(key), forms.Confirm()
    if job.result is not None and form.validate_on_submit() and is_really_me(form):
        try:
            client().restore(actor(), job.result.key)
        except KioskRefused as refused:
            form.current.errors = (kiosk_says(str(refused)),)
        else:
            flash(_("The kiosk restarts with the backup; it takes some seconds."))
            return redirect(url_for("backups.page"))
    shown = render_template(
        "restore_looked.html",
        job=job,
        title=_("Restore a backup"),
        form=form,
        consequences=consequences(job.result) if job.result else [],
    )
    return shown, INVALID if form.errors else 200


def consequences(found: BackupContent) -> list[str]:
    """What restoring it here means, in sentences."""
    said = [
        _("People, faces, PINs, badges, consents and settings become those of the backup; what was changed since is gone."),
        _("Whoever was erased here since stays erased: %(count)s people of the backup.", count=found.erased),
        _("Consents that were taken back here since stay taken back."),
    ]
    if found.people_damaged:
        said.append(_("The people's file here is damaged: consents that were taken back since must be taken back again."))
    if found.settings_unreadable:
        said.append(_("The settings in the backup cannot be read: those of this machine stay, under the name of that kiosk."))
    if found.keeps_journal:
        said.append(_("The records of this kiosk go on as they are: none is lost, none is sent twice."))
    else:
        said.append(_("Records begin a new epoch. Those of the backup lie in a file of their own, which daka verify proves."))
        said.append(_("Unsent records of this machine are kept in a file, and not sent: %(count)s.", count=found.unsent))
        said.append(_("The certificate for the server is not in a backup: join the enterprise again afterwards."))
    said.append(_("The accounts of this web UI stay as they are here; no backup holds them."))
    said.append(_("The kiosk restarts; for some seconds nobody can clock in."))
    return said
