"""Files that hold something private: QR codes for a printer or a phone, packages, exports."""

from __future__ import annotations

import os
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


def write_private(out: Path, text: str) -> None:
    """A file that only its owner may read; a usage error where it cannot be written."""
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise click.UsageError(f"--out {out}: {error.strerror}; name a file in a folder that can be written") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
