"""QR codes as files for a printer or a phone; whoever copies one has what it stands for."""

from __future__ import annotations

from pathlib import Path

import click
import segno

PICTURES = (".svg", ".png")


def check_out(out: Path) -> None:
    """Before anything is issued: a usage error for a file that cannot be drawn into."""
    if out.suffix.lower() not in PICTURES:
        raise click.UsageError(f"--out {out}: name a file that ends in {' or '.join(PICTURES)}")
    if not out.absolute().parent.is_dir():
        raise click.UsageError(f"--out {out}: there is no folder {out.absolute().parent}")


def draw(code: str, out: Path) -> None:
    """Only its owner may read the file."""
    out.touch(mode=0o600)
    out.chmod(0o600)
    # Level M: a card in a pocket loses up to 15 % of its squares and still reads (ISO/IEC 18004).
    segno.make_qr(code, error="m").save(str(out), scale=6, border=4)
