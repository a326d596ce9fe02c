"""`daka backup`: make sealed backups, take them along, and bring one back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from device import api, state
from device.api.backups import PIECE_BYTES, KeysClient
from device.backups import by_root
from device.backups.restoring import Aside
from device.commands.context import Context, pass_context
from device.commands.office import operator

PASSPHRASE_FILE = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the passphrase from the first line of FILE instead of asking for it.",
)


@click.group()
def backup() -> None:
    """Sealed backups of people, faces, settings, keys and records."""


@backup.command("make")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@PASSPHRASE_FILE
@pass_context
def make(context: Context, file: Path | None, passphrase_file: Path | None) -> None:
    """Make a backup on the kiosk, and write it to FILE too, if one is named."""
    passphrase = _passphrase(passphrase_file, again=True)
    with api.BackupsClient(context.folder.admin_socket) as kiosk:
        made = kiosk.make_backup(passphrase, operator())
        click.echo(f"{made.name}, {made.size_bytes} bytes, lies on the kiosk")
        if file is not None:
            _save(kiosk, made.name, file)


@backup.command("list")
@pass_context
def list_them(context: Context) -> None:
    """The backups that lie on the kiosk, newest first."""
    with api.BackupsClient(context.folder.admin_socket) as kiosk:
        for one in kiosk.backups():
            click.echo(f"{one.at}  {one.size_bytes:>12}  {one.name}")


@backup.command("save")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@pass_context
def save(context: Context, name: str, file: Path) -> None:
    """Write the backup NAME, which lies on the kiosk, to FILE."""
    with api.BackupsClient(context.folder.admin_socket) as kiosk:
        _save(kiosk, name, file)


@backup.command("keys")
@click.argument("file", type=click.Path(path_type=Path))
@PASSPHRASE_FILE
@pass_context
def save_keys(context: Context, file: Path, passphrase_file: Path | None) -> None:
    """Seal the kiosk's keys into FILE, once: they never change, and a backup on another machine opens with them alone."""
    passphrase = _passphrase(passphrase_file, again=True)
    with KeysClient(context.folder.admin_socket) as kiosk:
        data = kiosk.backup_keys(passphrase, operator())
    with _for_us_alone(file) as opened:
        opened.write(data)
    click.echo(f"written to {file}; keep it where neither the kiosk nor its backups are")


@backup.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keys", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What `daka backup keys` wrote.")
@PASSPHRASE_FILE
@click.option(
    "--keys-passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same for the keys.",
)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_context
def restore(
    context: Context, file: Path, keys: Path | None, passphrase_file: Path | None, keys_passphrase_file: Path | None, yes: bool
) -> None:
    """Open FILE, say what it holds, and put it in the place of what is here; a kiosk that does not start can be restored too.

    On an appliance root alone brings KEYS: the kiosk is stopped for it, and its system holds the brought device key from then on.
    """
    passphrase = _passphrase(passphrase_file, again=False)
    for_keys = _passphrase(keys_passphrase_file, again=False, what="Passphrase of the keys") if keys else ""
    with file.open("rb") as opened:
        brought = by_root.Brought(_pieces(opened), passphrase, keys.read_bytes() if keys else b"", for_keys)
        if context.folder.layer is not None and os.geteuid() == 0 and (brought.keys or not by_root.kiosk_runs()):
            by_root.restore(context.folder, brought, operator(), lambda found: _confirm(found, yes))
            click.echo("restored, and the kiosk starts with it")
            return
        with _kiosk(context) as kiosk:
            _bring(kiosk, brought, yes)
    click.echo("it counts from the kiosk's next start, which follows at once where the kiosk runs")


def _bring(kiosk: KeysClient | _Stopped, brought: by_root.Brought, yes: bool) -> None:
    for offset, piece in brought.pieces:
        kiosk.restore_piece(offset, piece)
    if brought.keys:
        kiosk.restore_keys(brought.keys, brought.keys_passphrase)
    found = kiosk.look_into_restore(brought.passphrase)
    _confirm(found, yes)
    kiosk.restore(operator(), found.key)


def _confirm(found: api.BackupContent, yes: bool) -> None:
    click.echo("\n".join(sentences(found)))
    if not yes:
        click.confirm("Put it in the place of what is here?", abort=True)


def sentences(found: api.BackupContent) -> list[str]:
    """What a backup holds, and what restoring it would mean."""
    said = [
        f"{found.device}, made at {found.at} by {found.software}: {found.people} people, {found.templates} templates, "
        f"{found.records} records",
        "people, faces, PINs, badges, consents and settings become those of the backup; what was changed since is gone",
        f"{found.erased} people of it were erased here since and stay erased; consents taken back since stay taken back",
    ]
    if found.people_damaged:
        said.append(
            "people.db here is damaged: who was erased since is known from this kiosk's own records alone, and a consent that was "
            "taken back since has to be taken back again"
        )
    if found.settings_unreadable:
        said.append("the settings in it cannot be read: those of this machine stay, under the name of that kiosk")
    if found.keeps_journal:
        return [*said, "the records of this kiosk go on as they are"]
    return [
        *said,
        "records begin a new epoch; those of the backup lie in records-before-*.jsonl in the state folder, for `daka verify`",
        f"{found.unsent} records of this machine that no server has signed for are kept in a file, and not sent any more",
        "the certificate for the server is not in a backup: run `daka join` again afterwards",
    ]


class _Stopped:
    """The same on the files of a kiosk that does not run."""

    def __init__(self, aside: Aside) -> None:
        self.restore_piece, self.restore_keys = aside.take, aside.take_keys
        self.look_into_restore, self.restore = aside.look, aside.make_ready


@contextmanager
def _kiosk(context: Context) -> Iterator[KeysClient | _Stopped]:
    try:
        with state.locked(context.folder):
            yield _Stopped(Aside(context.folder))
    except state.StateBusy:
        with KeysClient(context.folder.admin_socket) as kiosk:
            yield kiosk


def _pieces(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while piece := file.read(PIECE_BYTES):
        yield offset, piece
        offset += len(piece)


def _save(kiosk: api.BackupsClient, name: str, file: Path) -> None:
    offset = 0
    with _for_us_alone(file) as opened:
        while piece := kiosk.backup_piece(name, offset):
            opened.write(piece)
            offset += len(piece)
    click.echo(f"written to {file}; keep it where the kiosk is not")


def _for_us_alone(file: Path) -> IO[bytes]:
    """A new file: nobody else is to try passphrases on it."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _passphrase(file: Path | None, *, again: bool, what: str = "Passphrase") -> str:
    if file is not None:
        return (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    return str(click.prompt(what, hide_input=True, confirmation_prompt=again))
