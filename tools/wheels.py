"""Names the wheels that each processor's bundle will hold, so that a test can say without a network that none is missing.

usage: tools/wheels.py PYLOCK OUT, with a lock of uv's in the form of PEP 751
"""

from __future__ import annotations

import sys
import tomllib
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging import tags, utils

PYTHONS = ((3, 11), (3, 13))  # Debian 12's and 13's
PROCESSORS = ("aarch64", "x86_64")
GLIBC = 36  # Debian 12's is 2.36: what is built for a newer one does not load there
HEAD = "# Which wheels a release bundle takes, by `make lock`: processor, Python, file, SHA-256.\n"


def fitting(python: tuple[int, int], processor: str) -> list[tags.Tag]:
    """The tags of wheels that install there, best first."""
    platforms = [f"manylinux_2_{minor}_{processor}" for minor in range(GLIBC, 16, -1)] + [f"manylinux2014_{processor}"]
    own = tags.cpython_tags(python, platforms=platforms)
    return [*own, *tags.compatible_tags(python, f"cp{python[0]}{python[1]}", platforms)]


def best(package: dict[str, Any], wanted: list[tags.Tag]) -> tuple[str, str] | None:
    """File name and SHA-256 of the wheel that pip would take; None where there is none."""
    found = []
    for wheel in package.get("wheels", []):
        name = urllib.parse.unquote(wheel["url"].rpartition("/")[2])
        ranks = [wanted.index(tag) for tag in utils.parse_wheel_filename(name)[3] if tag in wanted]
        if ranks:
            found.append((min(ranks), name, wheel["hashes"]["sha256"]))
    return min(found)[1:] if found else None


def rows(lock: dict[str, Any]) -> Iterator[str]:
    for processor in PROCESSORS:
        for python in PYTHONS:
            wanted = fitting(python, processor)
            for package in lock["packages"]:
                if (wheel := best(package, wanted)) is not None:
                    yield f"{processor} {python[0]}.{python[1]} {wheel[0]} {wheel[1]}\n"


if __name__ == "__main__":
    source, out = map(Path, sys.argv[1:])
    out.write_text(HEAD + "".join(rows(tomllib.loads(source.read_text(encoding="utf-8")))), encoding="utf-8")
