"""`daka consent`: the texts that people are asked to agree to."""

from __future__ import annotations

from pathlib import Path

import click

from device.commands.context import Context, pass_context
from device.commands.office import PURPOSES, operator
from device.commands.reach import office

PURPOSE = click.option("--purpose", type=click.Choice(PURPOSES), default=PURPOSES[0], show_default=True, help="What is agreed to.")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def consent() -> None:
    """The consent texts: shown alone, recorded with version, language and hash."""


@consent.command("show")
@PURPOSE
@pass_context
def show(context: Context, purpose: str) -> None:
    """The texts in force, exactly as they are shown."""
    with office(context) as desk:
        texts = desk.consent_texts(purpose)
    for text in texts:
        click.secho(f"{purpose}, version {text.version}, {text.language}, sha256 {text.sha256}", bold=True)
        click.echo(text.words + "\n")


@consent.command("publish")
@click.argument("version")
@PURPOSE
@click.option("--zh-cn", type=FILE, required=True, help="The text in Simplified Chinese, UTF-8.")
@click.option("--zh-tw", type=FILE, required=True, help="The text in Traditional Chinese, UTF-8.")
@click.option("--en", type=FILE, required=True, help="The text in English, UTF-8.")
@click.option("--editorial", is_flag=True, help="It says the same in better words: earlier consents stand.")
@pass_context
def publish(context: Context, version: str, purpose: str, zh_cn: Path, zh_tw: Path, en: Path, editorial: bool) -> None:
    """Show the enterprise's own text from now on, as VERSION.

    Whoever agreed to an earlier one is asked again, and until then their face is not compared, unless --editorial.
    """
    files = {"zh-CN": zh_cn, "zh-TW": zh_tw, "en": en}
    words = {language: _read(file) for language, file in files.items()}
    with office(context) as desk:
        desk.publish_consent_text(purpose, version, words, operator(), asks_again=not editorial)
    said = "earlier consents stand" if editorial else "everybody is asked again; until then no face is compared under an older text"
    click.echo(f"{purpose} {version} is shown from now on; {said}")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8; save it as UTF-8") from error
