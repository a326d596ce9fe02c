"""Whether the libraries that lie in a version are those of the wheels, byte for byte: a worn card changes files without a word.

usage: holds.py VERSION LIBRARY WHEEL...   VERSION: its folder; LIBRARY: where Python looks, below it. Names the first that differs.
Runs before anything is installed, so by what Debian brings.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path


def recorded(wheel: Path) -> Iterator[tuple[str, str]]:
    """The name and the SHA-256 of each file, as the wheel says."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/RECORD") and one.count("/") == 1)
        for row in csv.reader(io.StringIO(archive.read(name).decode("utf-8"))):
            if row and row[1].startswith("sha256="):  # its own list has none
                yield row[0], row[1].removeprefix("sha256=")


def place(version: Path, library: Path, name: str) -> Path | None:
    """Where pip puts it; None for what it writes in its own way."""
    top, _, rest = name.partition("/")
    if not top.endswith(".data"):
        return library / name
    kind, _, rest = rest.partition("/")
    return {"purelib": library / rest, "platlib": library / rest, "data": version / rest}.get(kind)


def digest(path: Path) -> str:
    """As a wheel writes it; "" for what is not there or cannot be read."""
    try:
        with path.open("rb") as file:
            return base64.urlsafe_b64encode(hashlib.file_digest(file, "sha256").digest()).decode("ascii").rstrip("=")
    except OSError:
        return ""


def differing(version: Path, library: Path, wheels: list[Path]) -> Iterator[Path]:
    """Every file that is not as it was delivered."""
    for wheel in wheels:
        for name, wanted in recorded(wheel):
            where = place(version, library, name)
            if where is not None and digest(where) != wanted.rstrip("="):
                yield where


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for found in differing(folder, folder / sys.argv[2], [Path(one) for one in sys.argv[3:]]):
        sys.exit(f"daka: {found} is not as it was delivered")
