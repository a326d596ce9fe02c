"""Files that hold something private: QR codes for a printer or a phone, packages, exports."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import segno

PICTURES = (".svg", ".png")


def check_out(out: Path) -> None:
    """Before anything is issued: a usage error for a file that cannot be drawn into."""
    if out.suffix.lower() not in PICTURES:
        raise click.UsageError(f"--out {out}: name a file that ends in {' or '.join(PICTURES)}")


@contextmanager
def private(out: Path) -> Iterator[io.FileIO]:
    """A file that only its owner may read, open before anything is issued for it: what voids an earlier code must reach a file.

    A usage error where it cannot be written. If the block raises, what was there is as before.
    """
    try:
        known = out.exists()
        file = io.FileIO(str(out), "a", opener=lambda path, flags: os.open(path, flags, 0o600))
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            os.fchmod(file.fileno(), 0o600)
    except OSError as error:
        raise click.UsageError(f"--out {out}: {error.strerror}; name a file in a folder that can be written") from error
    try:
        with file:
            yield file
    except BaseException:
        if not known:
            out.unlink(missing_ok=True)
        raise


def fill(file: io.FileIO, data: bytes) -> None:
    """In place of what is in it. What was issued counts, so a disk that fills up now is said with what follows."""
    try:
        if os.fstat(file.fileno()).st_size:
            file.truncate(0)
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise click.ClickException(f"{file.name}: {error.strerror}; nothing usable was written, do it again") from error


def draw(code: str, file: io.FileIO) -> None:
    """A QR code, as its file's name asks for it."""
    drawn = io.BytesIO()
    # Level M: a card in a pocket loses up to 15 % of its squares and still reads (ISO/IEC 18004).
    segno.make_qr(code, error="m").save(drawn, kind=Path(str(file.name)).suffix[1:].lower(), scale=6, border=4)
    fill(file, drawn.getvalue())
