"""Which of the two ways is taken here: MediaPipe where a probe shows that it runs, OpenCV elsewhere.

`daka models fetch` probes and writes the answer beside the weights. It holds for one processor and these versions; on any other the
daemon probes anew and writes nothing.
"""

from __future__ import annotations

import enum
import importlib.metadata
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
from pydantic import BaseModel, ConfigDict, ValidationError

from models.landmarks import Landmarker, probe
from models.landmarks.probe import Answer
from models.landmarks.with_mediapipe import WithMediaPipe
from models.landmarks.with_opencv import WithOpenCv
from models.manifest import Entry

RECORD = "landmarks.json"
RECORD_VERSION = 1


class Wanted(enum.StrEnum):
    """What a setting may ask for: MediaPipe where it runs, or never."""

    AUTO = "auto"
    OPENCV = "opencv"


class Way(enum.StrEnum):
    """The two."""

    MEDIAPIPE = WithMediaPipe.name
    OPENCV = WithOpenCv.name


class Record(BaseModel):
    """What the probe found, and for which processor, versions and bundle (SHA-256)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    processor: str
    versions: dict[str, str]
    bundle: str
    milliseconds: dict[str, float]
    refused: dict[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """The way taken, and a sentence about it for people."""

    way: Way
    sentence: str


def record(task: Path, bundle_sha256: str, probing: Callable[[str, Path], Answer] = probe.probe) -> Record:
    """Probe both ways, each in its own child."""
    answers = {way.value: probing(way.value, task) for way in Way}
    return Record(
        version=RECORD_VERSION,
        processor=processor(),
        versions=versions(),
        bundle=bundle_sha256,
        milliseconds={kind: one.milliseconds for kind, one in answers.items() if one.milliseconds is not None},
        refused={kind: one.why for kind, one in answers.items() if one.milliseconds is None},
    )


def read(directory: Path, bundle_sha256: str) -> Record | None:
    """The record beside the weights, if it is about this processor, these versions and this bundle."""
    try:
        found = Record.model_validate(json.loads((directory / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return None
    now = (RECORD_VERSION, processor(), versions(), bundle_sha256)
    return found if (found.version, found.processor, found.versions, found.bundle) == now else None


def here(wanted: Wanted, directory: Path, entry: Entry) -> Choice:
    """What to take with the bundle `entry` in `directory`; probes where no record speaks of this processor."""
    if wanted is Wanted.OPENCV:
        return Choice(Way.OPENCV, f"OpenCV {cv2.__version__}, as set")
    found = read(directory, entry.sha256) or record(directory / entry.file, entry.sha256)
    name = f"MediaPipe {found.versions['mediapipe'] or '(not installed)'}"
    if Way.MEDIAPIPE.value in found.milliseconds:
        milliseconds = found.milliseconds[Way.MEDIAPIPE.value]
        return Choice(Way.MEDIAPIPE, f"{name}, {milliseconds:.0f} ms a look; the kernel refuses its threads every socket")
    why = found.refused.get(Way.MEDIAPIPE.value, "it was not probed")
    return Choice(Way.OPENCV, f"OpenCV {cv2.__version__}{_milliseconds(found)}; {name} does not run here: {why}")


def opened(choice: Choice, task: bytes) -> Landmarker:
    """The landmarker. Raises ModelError."""
    return WithMediaPipe(task) if choice.way is Way.MEDIAPIPE else WithOpenCv(task)


def processor() -> str:
    """Enough to tell one kind of processor from another; the machine's architecture where the kernel hides the rest."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    known = (fields.get(key, "") for key in ("model name", "CPU implementer", "CPU part"))
    return " ".join(word for word in (platform.machine(), *known) if word)


def versions() -> dict[str, str]:
    """Of the two libraries; empty for one that is not installed."""
    return {"mediapipe": _version("mediapipe"), "opencv": str(cv2.__version__)}


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _milliseconds(found: Record) -> str:
    own = found.milliseconds.get(Way.OPENCV.value)
    return "" if own is None else f", {own:.0f} ms a look"
