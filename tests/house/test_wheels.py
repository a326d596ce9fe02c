"""Every library of the appliance has a wheel for every processor that a bundle is made for: a kiosk has no compiler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.house.test_repository import REPOSITORY

LOCK, WHEELS = REPOSITORY / "requirements" / "appliance.txt", REPOSITORY / "requirements" / "wheels.txt"


@dataclass(frozen=True, slots=True)
class Locked:
    requirement: Requirement
    hashes: frozenset[str]


def locked() -> Iterator[Locked]:
    """What the lock file asks for, each with its hashes."""
    for entry in LOCK.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        words, *hashes = entry.partition("    #")[0].split("--hash=sha256:")
        if words.strip() and not words.startswith(("#", " ")):
            yield Locked(Requirement(words.strip()), frozenset(one.strip() for one in hashes))


def wheels(processor: str, python: str) -> dict[str, tuple[str, str, str]]:
    """Name of the library to version, file and hash of the wheel that a bundle for that machine takes."""
    rows = [line.split() for line in WHEELS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = {}
    for name, digest in ((row[2], row[3]) for row in rows if row[:2] == [processor, python]):
        library, version, _, _ = parse_wheel_filename(name)
        found[str(library)] = (str(version), name, digest)
    return found


@pytest.mark.parametrize("processor", ["aarch64", "x86_64"])
@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_every_locked_library_has_a_wheel_for_this_processor(processor: str, python: str) -> None:
    machine = {
        "python_version": python, "python_full_version": f"{python}.2", "sys_platform": "linux", "platform_system": "Linux",
        "platform_machine": processor, "os_name": "posix", "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }  # fmt: skip
    found, missing, wanted = wheels(processor, python), [], 0
    for one in locked():
        if one.requirement.marker is not None and not one.requirement.marker.evaluate(machine):
            continue
        wanted += 1
        version, name, digest = found.get(canonicalize_name(one.requirement.name), ("", "", ""))
        if digest not in one.hashes or not one.requirement.specifier.contains(version, prereleases=True):
            missing.append(f"{one.requirement}: {name or 'no wheel'}")
    assert wanted > 50, "the lock file could not be read"
    assert missing == [], "a kiosk with this processor could not be installed; choose another library, or make lock"
