"""`python -m tests.fuzz TARGET --seconds N`: coverage-guided, with atheris, which `make fuzz` installs beside .venv."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option("--seconds", default=60, show_default=True, help="How long.")
def main(name: str, seconds: int) -> None:
    """Fuzz one target: codec, envelopes, ingest, carried, acknowledgement, desired or roster."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["device", "enterprise"]):
        targets = importlib.import_module("tests.fuzz.targets")
    chosen = {target.name: target for target in targets.targets()}.get(name)
    if chosen is None:
        raise click.BadParameter(f"{name} is none of {', '.join(target.name for target in targets.targets())}")
    corpus = Path(tempfile.mkdtemp(prefix="daka-corpus-"))
    for number, seed in enumerate(chosen.seeds):
        (corpus / str(number)).write_bytes(seed)
    arguments = [sys.argv[0], str(corpus), f"-max_total_time={seconds}", "-max_len=300000", "-timeout=20"]
    atheris.Setup(arguments, chosen.feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
