"""`daka-enterprise import`: records from a file."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enterprise import carrying, keys
from enterprise.commands.shared import database_option, now, opened_database
from enterprise.errors import EnterpriseError
from enterprise.ingest import Ingester


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--keys", "folder", type=click.Path(path_type=Path), default=None, help="Folder of the acknowledgement key, for --answer."
)
@click.option(
    "--answer", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write the signed receipt, to be taken back."
)
@database_option
def import_command(files: tuple[Path, ...], folder: Path | None, answer: Path | None, database: str) -> None:
    """Take the records in FILES, written by `daka export`, exactly once together with what came from the broker.

    Exit code 1 if a line was not taken; it is named, with the reason, and the rest is taken all the same.
    """
    if answer is not None and folder is None:
        raise EnterpriseError("--answer is signed: name the folder of the acknowledgement key with --keys")
    key = keys.read(folder) if folder is not None else Ed25519PrivateKey.generate()
    good, answers = True, dict[str, bytes]()
    with opened_database(database) as opened:
        for file in files:
            report = carrying.take(Ingester(opened, key, now), file)
            click.echo(f"{file}: {report.stored} stored, {report.duplicates} were here already, {report.parked} parked")
            for sentence in report.refused:
                click.secho(f"  {sentence}", fg="red")
            good, answers = good and not report.refused, answers | report.answers
    if answer is not None:
        _write(answer, answers)
    sys.exit(0 if good else 1)


def _write(answer: Path, answers: dict[str, bytes]) -> None:
    """One kiosk's receipt, the last: it covers what was before. Records of several kiosks have none in common."""
    if len(answers) != 1:
        whose = f"these are of {', '.join(sorted(answers))}" if answers else "nothing was taken"
        raise EnterpriseError(
            f"no receipt is written: it is for the records of one kiosk, and {whose}; import each kiosk's by itself"
        )
    answer.write_bytes(*answers.values())
    click.echo(f"the receipt for {next(iter(answers))} is in {answer}; on the kiosk: daka export --answer {answer.name}")
