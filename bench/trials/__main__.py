"""`python -m bench.trials crowds|alone|wearing|attacks`: one line of JSON each, with counts and 95 % limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cv2
import platformdirs

from bench.trials import attacks, crowds, wearing

COUNT = 500
TRIALS: dict[str, Callable[[Path, Path | None, int], Any]] = {
    "alone": lambda weights, faces, count: crowds.crowds(weights, faces, count, alone=True).document(),
    "crowds": lambda weights, faces, count: crowds.crowds(weights, faces, count).document(),
    "wearing": lambda weights, faces, count: wearing.wearing(weights, faces, count).document(),
    "attacks": lambda weights, faces, count: attacks.attacks(weights, faces, each=max(1, count // 40)),
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(TRIALS)))
@click.option("--count", type=click.IntRange(1), default=COUNT, show_default=True, help="Walk-ups; people for `wearing`.")
@click.option("--weights", type=click.Path(path_type=Path), default=lambda: platformdirs.user_cache_path("daka") / "weights")
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Photographs, a folder a person.")
def main(names: tuple[str, ...], count: int, weights: Path, faces: Path | None) -> None:
    """Many staged walk-ups, faster than in real time. Without --faces the sample photographs walk up."""
    cv2.setNumThreads(1)
    for name in names or TRIALS:
        click.echo(json.dumps({"trial": name, **TRIALS[name](weights, faces, count)}))


if __name__ == "__main__":
    main()
