"""Real file systems for tests that fill, break or lose them; what is mounted is taken away again."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


def mount(what: Sequence[str], place: Path) -> None:
    """`mount WHAT PLACE`; skips, saying why, where mounting is not allowed; in CI nothing is skipped."""
    made = subprocess.run(["mount", *what, str(place)], capture_output=True, check=False)
    if made.returncode == 0:
        return
    sentence = f"a file system cannot be mounted here ({made.stderr.decode().strip()}); run as root to see disks fail"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def remount(place: Path, how: str) -> None:
    """`ro` or `rw`."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)


def device_of(place: Path) -> str:
    """The name of the block device that is mounted at `place`, such as loop0."""
    found = subprocess.run(["findmnt", "-n", "-o", "SOURCE", str(place)], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip()).name


def repair(folder: Path) -> None:
    """What a start does with an ext4 of ours in which the kernel has found an error; nobody may have a file open there."""
    image, place = folder / "disk.img", folder / "disk"
    subprocess.run(["umount", str(place)], check=True)
    deadline = time.monotonic() + 20  # the kernel lets go of the image a little later, and until then the check reads what is stale
    while subprocess.run(["losetup", "-j", str(image)], capture_output=True, check=True).stdout and time.monotonic() < deadline:
        time.sleep(0.05)
    held = subprocess.run(["losetup", "-j", str(image)], capture_output=True, check=True).stdout.decode()
    assert not held, f"somebody still holds the disk in a mount namespace of their own, so it cannot be repaired: {held}"
    checked = subprocess.run(["e2fsck", "-f", "-y", str(image)], capture_output=True, check=False)
    assert checked.returncode in (0, 1), checked.stdout.decode()  # e2fsck(8): 1 means that errors were corrected
    _mount(image, place)


def _mount(image: Path, place: Path) -> None:
    mount(["-o", "loop,errors=remount-ro", str(image)], place)


@contextmanager
def ext4(folder: Path, megabytes: int) -> Iterator[Path]:
    """An ext4 of its own in a file, mounted at a folder of its own."""
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", "-O", "^has_journal", str(image)], check=True)
    with _told_to_others(folder):
        _mount(image, place)
        try:
            yield place
        finally:
            unmount(place)
            image.unlink()


@contextmanager
def _told_to_others(folder: Path) -> Iterator[None]:
    """What is unmounted below `folder` goes from the copies that others hold as well, such as a container started meanwhile."""
    mount(["--bind", str(folder)], folder)
    subprocess.run(["mount", "--make-shared", str(folder)], check=True)
    try:
        yield
    finally:
        unmount(folder)
