"""`python -m bench [--only FAMILY]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import platformdirs

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@click.command()
@click.option("--only", default="", help="One family, such as recognition; default: all.")
@click.option("--weights", type=click.Path(path_type=Path), default=lambda: platformdirs.user_cache_path("daka") / "weights")
@click.option("--output", type=click.Path(path_type=Path), default=Path("build/bench.json"), show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0.1), default=4.0, show_default=True, help="Time for each number.")
@click.option("--peers", type=click.Path(path_type=Path), default=Path("build/peers"), show_default=True, help="Where peers live.")
@click.option(
    "--faces", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Labelled photographs, a folder a person."
)
@click.option("--strict", is_flag=True, help="Exit with 1 when a number is higher than accepted.")
def main(only: str, weights: Path, output: Path, seconds: float, peers: Path, faces: Path | None, strict: bool) -> None:
    """Measure Daka's numbers beside their peers."""
    for name in ONE_THREAD:  # numpy's BLAS reads these when it is loaded, so it is loaded only now
        os.environ[name] = "1"
    from bench import run
    from models.errors import ModelError

    if only and only not in run.families():
        raise click.BadParameter(f"{only!r} is no family; known are {', '.join(run.families())}", param_hint="--only")
    try:
        missed = run.run(run.Wish(only, weights, peers, faces, seconds), output)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(1 if strict and missed else 0)


if __name__ == "__main__":
    main()
