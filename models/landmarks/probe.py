"""Whether a way to the landmarks runs on this processor, found out in a child process: a crash there is an answer, not an outage.

`python -m models.landmarks.probe mediapipe FILE` runs it once and prints the milliseconds of one look; MediaPipe 1.2.2 dies with
SIGILL at its first task on processors older than ARMv8.2.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError
from models.landmarks import Landmarker, drawn
from models.landmarks.with_mediapipe import WithMediaPipe
from models.landmarks.with_opencv import WithOpenCv

KINDS = {kind.name: kind for kind in (WithMediaPipe, WithOpenCv)}
PATIENCE_S = 120.0  # a Raspberry Pi reads 130 MB of library from a card
LOOKS = 9
TOO_OLD = ": this processor is too old for it"  # what an instruction that it does not know means


@dataclass(frozen=True, slots=True)
class Answer:
    """`milliseconds` of one look, median; or `why` it does not run here."""

    milliseconds: float | None
    why: str = ""


def probe(kind: str, task: Path, program: str = sys.executable) -> Answer:
    """Try one way with the bundle at `task` in a child of its own."""
    command = [program, "-m", "models.landmarks.probe", kind, str(task)]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=_home())
    except subprocess.TimeoutExpired:
        return Answer(None, f"no answer in {PATIENCE_S:.0f} s")
    except OSError as error:
        return Answer(None, f"no child could be started ({error.strerror})")
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        return Answer(None, f"it died of {name}{TOO_OLD if name == 'SIGILL' else ''}")
    try:
        told = json.loads(child.stdout)
        return Answer(told["milliseconds"], told["why"])
    except (ValueError, KeyError, TypeError):
        return Answer(None, f"it ended with code {child.returncode} and no answer")


def look(kind: str, task: Path) -> Answer:
    """What the child does."""
    landmarker: Landmarker | None = None
    try:
        landmarker = KINDS[kind](task.read_bytes())
        return Answer(_timed(landmarker))
    except (ModelError, OSError) as error:
        return Answer(None, str(error))
    finally:
        if landmarker is not None:
            landmarker.close()


def _timed(landmarker: Landmarker) -> float:
    picture, face = drawn.picture(), drawn.face()
    if landmarker.find(picture, face) is None:
        raise ModelError("it runs, but sees no face in a drawn one")
    milliseconds = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        landmarker.find(picture, face)
        milliseconds.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(milliseconds), 2)


def _home() -> Path:
    """The folder from which the child finds this package, also where it was not installed."""
    return Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> None:
    """The child: one line of JSON on the standard output, whatever the library writes to the other."""
    answer = look(arguments[0], Path(arguments[1]))
    print(json.dumps({"milliseconds": answer.milliseconds, "why": answer.why}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
