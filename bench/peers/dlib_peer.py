"""Installs face_recognition in an environment of its own, once, and talks to it."""

from __future__ import annotations

import json
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.registry import Unmeasured

SCRIPT = Path(__file__).with_name("dlib_process.py")
# dlib-bin is dlib built by others, for machines that have neither time nor compilers; pkg_resources left setuptools with 81
BUILT = ("dlib-bin", "numpy", "pillow", "click", "setuptools<81", "face-recognition-models")
FROM_SOURCE = ("dlib", *BUILT[1:])
THEMSELVES = ("--no-deps", "face-recognition==1.3.0")  # it asks for `dlib` by name, which dlib-bin is not
INSTALL_S = 1_800.0


class Dlib:
    """A running face_recognition."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, command: str) -> dict[str, Any]:
        """One command, one answer. Unmeasured when it has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError) as error:
            raise Unmeasured("face_recognition ended by itself") from error
        return answer

    def load(self, pixels: NDArray[np.uint8], file: Path) -> None:
        """The picture, (height, width, 3) uint8 BGR, that the next commands are about; `file` carries it over."""
        np.save(file, np.ascontiguousarray(pixels[:, :, ::-1]))
        self.ask(f"load {file}")


@contextmanager
def running(peers: Path) -> Iterator[Dlib]:
    """face_recognition, installed where it is not yet, ready for commands. Unmeasured where it cannot be had."""
    python = installed(peers / "face_recognition")
    process = subprocess.Popen([str(python), str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        found = Dlib(process)
        found.ask("hold 1")  # answers once its models are loaded
        yield found
    finally:
        process.kill()
        process.wait()


def installed(folder: Path) -> Path:
    """The Python that has it."""
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return python
    venv.create(folder, with_pip=True, clear=True)
    first = _pip(python, BUILT, "--only-binary=dlib-bin")
    if first and (second := _pip(python, FROM_SOURCE)):
        raise Unmeasured(
            "face_recognition cannot be installed: there is no built dlib for this Python and processor, and none could be built "
            f"(it needs cmake, g++ and an hour on a small board): {second}"
        )
    if last := _pip(python, THEMSELVES):
        raise Unmeasured(f"face_recognition cannot be installed: {last}")
    ready.touch()
    return python


def _pip(python: Path, packages: tuple[str, ...], *options: str) -> str:
    """What pip complained about, at its end; empty when all went well."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        return f"pip took longer than {INSTALL_S:.0f} s"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"])[-1]
