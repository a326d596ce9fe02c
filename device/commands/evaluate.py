"""`daka evaluate`: how well the models tell people apart on a folder of labelled photographs, as a page, a table or JSON.

Uses the product's own models and reads nothing but that folder. Names leave it only in the file of suspects that is asked for.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib.metadata
import io
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import device
from device import clock, pictures, sight
from device.commands import attacks as presentations
from device.commands import site
from device.commands.context import Context, pass_context
from device.errors import DeviceError
from models import manifest as manifests
from models import weights
from models.arrays import Pixels
from models.evaluation import acquire, document, labelled, measure, page, presentation
from models.evaluation.about import About
from models.evaluation.acquire import Instruments, Which
from models.evaluation.labelled import LabelledSet
from models.evaluation.limits import Estimate
from models.evaluation.measure import Evaluation

DISTRIBUTIONS = ("numpy", "onnxruntime", "opencv-contrib-python")
BESIDE = (0.40, 0.55, 0.60)  # beside the thresholds that ship with the models
LARGEST_GALLERY = 100_000

folder_type = click.Path(exists=True, file_okay=False, path_type=Path)
table_type = click.Path(exists=True, dir_okay=False, path_type=Path)
new_file_type = click.Path(dir_okay=False, path_type=Path)


class NotWritten(DeviceError):
    """A file that was asked for cannot be written."""


@click.command()
@click.argument("folder", type=folder_type, required=False)
@click.option("--pairs", type=table_type, help="Table `same,left,right` of PERSON/FILE to compare; default: all pairs.")
@click.option("--groups", type=table_type, help="Table `person,subgroup`: rates for each subgroup as well.")
@click.option("--out", type=new_file_type, help="Write the report, one HTML page, to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead of a table.")
@click.option(
    "--list-suspects", "suspects", type=new_file_type, help="Write impostor pairs of 0.50 and above, with names, to this file."
)
@click.option(
    "--face",
    "which",
    type=click.Choice([which.value for which in Which]),
    default=Which.CENTRAL.value,
    show_default=True,
    help="Whose face counts where a photograph shows several; `only`: such a photograph is a failure to acquire.",
)
@click.option(
    "--gallery", "galleries", type=click.IntRange(1, LARGEST_GALLERY), multiple=True, help="People enrolled in the 1:N trials."
)
@click.option("--threads", type=click.IntRange(1, 64), help="Processor cores; default: the configured ones.")
@click.option("--title", default="Face recognition: evaluation", show_default=True, help="Heading of the report.")
@click.option("--site", "this_site", is_flag=True, help="Measure this kiosk's templates: how many people may be searched?")
@click.option("--attacks", is_flag=True, help="FOLDER holds clips: genuine/... and attacks/SPECIES/...; measure liveness.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the random galleries and resamples.")
@pass_context
def evaluate(
    context: Context,
    folder: Path | None,
    pairs: Path | None,
    groups: Path | None,
    out: Path | None,
    as_json: bool,
    suspects: Path | None,
    which: str,
    galleries: tuple[int, ...],
    threads: int | None,
    title: str,
    seed: int,
    this_site: bool,
    attacks: bool,
) -> None:
    """Measure FMR, FNMR, FPIR and FNIR, each with 95 % limits, on FOLDER/PERSON/PHOTOGRAPH.jpg (or .jpeg, .png).

    The report holds numbers and plots, never a face or a name. With --site, and no FOLDER, this kiosk's own templates are measured.
    With --attacks: APCER of each species and BPCER on clips of attacks and of living people.
    """
    if this_site == (folder is not None):
        raise click.UsageError("name a FOLDER of labelled photographs, or ask for --site")
    if this_site:
        site.evaluate_site(context, as_json=as_json)
        return
    assert folder is not None
    for path in (out, suspects):
        _check_place(path)
    if attacks:
        _evaluate_attacks(context, folder, out, as_json, title)
        return
    chosen = labelled.read_folder(folder)
    group_of = None if groups is None else labelled.read_groups(groups, chosen)
    chosen, pair_table = (chosen, None) if pairs is None else labelled.read_pairs(pairs, chosen)
    recognition = context.config().recognition
    recognition = recognition.model_copy(update={"threads": threads or recognition.threads})
    eyes = sight.load(context.weights(), recognition)
    options = measure.Options(*_thresholds(), galleries or measure.GALLERIES, group_of, seed=seed)
    with _bar() as progress:
        instruments = Instruments(_read, eyes.photographs, eyes.embedder, Which(which))
        found = measure.evaluate(chosen, pair_table, instruments, options, progress)
    chosen_here = {
        "which face": which,
        "pairs": "all" if pairs is None else "listed",
        "threads": f"{recognition.threads}",
        "seed": f"{seed}",
    }
    about = _about(title, clock.SystemClock().now(), eyes, chosen_here)
    if out is not None:
        _write(out, page.page(found, about), mode=0o644)
    if suspects is not None:
        _write(suspects, _suspects(chosen, found), mode=0o600)
    if as_json:
        click.echo(json.dumps(document.document(found, about), separators=(",", ":")))
    else:
        _show(found, out)


def _evaluate_attacks(context: Context, folder: Path, out: Path | None, as_json: bool, title: str) -> None:
    def about(eyes: sight.Sight) -> About:
        made = _about(title, clock.SystemClock().now(), eyes, {"measured": "passive liveness"})
        known = manifests.load()
        pair = {name: known.entry(name).sha256 for name in weights.ANTISPOOFING} if eyes.antispoofing else {}
        return dataclasses.replace(made, digests={**made.digests, **pair})

    found, made = presentations.evaluate_attacks(context, folder, about)
    if out is not None:
        _write(out, presentation.page(found, made), mode=0o644)
    presentations.show(found, made, as_json=as_json)


def _read(path: Path) -> Pixels | None:
    try:
        return pictures.read(path)
    except pictures.PictureError:
        return None


def _thresholds() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Those that the manifest's calibration names, its defaults and a few beside them; and where galleries are searched."""
    calibration = manifests.load().calibration
    if calibration is None:
        return BESIDE, BESIDE
    named = [point.threshold for point in calibration.points]
    defaults = (calibration.one_to_one, calibration.one_to_many)
    searched = [threshold for threshold in named if threshold > min(named)]  # 1 in 1,000 is too loose for any gallery
    return tuple(sorted({*named, *defaults, *BESIDE})), tuple(sorted({*searched, *defaults}))


@contextmanager
def _bar() -> Iterator[acquire.Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("photographs", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _about(title: str, now: clock.Moment, eyes: sight.Sight, options: Mapping[str, str]) -> About:
    """Processor and system, no host name: the page may leave the site."""
    machine = f"{processor(Path('/proc/cpuinfo'))}, {os.cpu_count()} cores, {platform.platform(terse=True)}"
    versions = {"daka": device.__version__, "Python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in DISTRIBUTIONS}
    digests = {weights.DETECTOR: eyes.models.detector, weights.EMBEDDER: eyes.models.embedder}
    return About(title, now.at, now.quality.value, machine, versions, digests, options)


def processor(cpuinfo: Path) -> str:
    """Its name; a Raspberry Pi calls it `Model`."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.machine()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return fields.get("model name") or fields.get("Model") or platform.machine()


def _check_place(path: Path | None) -> None:
    """Before minutes of measuring, not after."""
    if path is not None and not os.access(path.parent, os.W_OK | os.X_OK):
        raise NotWritten(f"{path} cannot be written: {path.parent} is no folder that this user may write in; name another place")


def _write(path: Path, text: str, mode: int) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise NotWritten(
            f"{path} could not be written ({error.strerror}); make room or name another place, and measure again"
        ) from error


def _suspects(chosen: LabelledSet, found: Evaluation) -> str:
    """`score,left,right`, highest first."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("score", "left", "right"))
    for score, (left, right) in zip(found.suspects, found.suspect_pairs, strict=True):
        table.writerow((f"{score:.4f}", chosen.name(left), chosen.name(right)))
    return text.getvalue()


def _show(found: Evaluation, out: Path | None) -> None:
    console = Console()
    seen, failed = found.acquisition, found.acquisition.failed
    console.print(
        f"{seen.photographs:,} photographs of {seen.people:,} people, failure to acquire {failed.events:,};\n"
        f"{found.genuine_pairs:,} genuine and {found.impostor_pairs:,} impostor pairs, "
        f"{len(found.suspects):,} of these at {measure.SUSPECT:.2f} or above",
        highlight=False,
    )
    table = Table(
        "FMR", "threshold", "TAR, all pairs", "TAR, mean person", "supported from", caption="95 % limits: the wider of two"
    )
    supported = {claim.rate: claim.point for claim in found.claims}
    for target in found.targets:
        claimed = supported.get(target.rate)
        place = "not supported" if claimed is None else f"{claimed.threshold:.4f}"
        if target.point is None:
            table.add_row(f"{target.rate:g}", "not measured", "", "", place)
        else:
            rates = (_accepted(target.point.fnmr), _accepted(target.point.fnmr_by_identity))
            table.add_row(f"{target.rate:g}", f"{target.point.threshold:.4f}", *rates, place)
    console.print(table)
    if found.ten_folds is not None:
        folds = found.ten_folds
        console.print(f"ten-fold accuracy {folds.mean:.4f} ± {folds.deviation:.4f} over {folds.pairs:,} pairs", highlight=False)
    if out is not None:
        console.print(f"the report is {out}", highlight=False)


def _accepted(missed: Estimate) -> str:
    return f"{1 - missed.value:.2%}\n({1 - missed.limits.high:.2%} to {1 - missed.limits.low:.2%})"
