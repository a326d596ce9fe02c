"""Clips of walk-ups, judged by the passive signs as the kiosk would: the same attention, gate and guard. Keeps no picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device import attempt, attention, camera, liveness, pictures, recognise
from device.camera import Frame
from device.camera.sources import EndOfPictures, OnePicture, Source, Video
from device.camera.status import CameraError
from device.clock import Moment, Quality
from device.errors import DeviceError
from device.liveness import Brightness, Guard, Sign, Verdict
from models import align
from models.evaluation.presentation import Attempt, Outcome

GENUINE, ATTACKS = "genuine", "attacks"
VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v"})
SIZE, RATE = (640, 480), 15.0
MOST_S, STILL_S = 20.0, 3.0
ENDED = {
    Verdict.PASSED: Outcome.LIVE,
    Verdict.FAILED: Outcome.REFUSED,
    Verdict.UNSURE: Outcome.CHALLENGED,
    Verdict.NOT_ASSESSED: Outcome.NOT_ASSESSED,
}


class FolderRefused(DeviceError):
    """The folder of clips is not laid out as it has to be."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One walk-up; `species` is empty for a living person."""

    path: Path
    species: str


@dataclass(frozen=True, slots=True)
class Instruments:
    """What judges; `watching` makes a fresh attention for each walk-up."""

    watching: Callable[[], attention.Attention]
    gate: recognise.Gate
    guard: Guard
    min_face_px: float


def clips(folder: Path) -> tuple[Clip, ...]:
    """`genuine/...` and `attacks/SPECIES/...`, videos and pictures, in the order of their names. Raises FolderRefused."""
    found = [Clip(path, "") for path in _playable(folder / GENUINE)]
    attacks = folder / ATTACKS
    for species in sorted(path for path in attacks.iterdir() if path.is_dir()) if attacks.is_dir() else ():
        found += [Clip(path, species.name) for path in _playable(species)]
    if not found:
        raise FolderRefused(f"{folder} holds no clip; put videos or pictures into {GENUINE}/ and {ATTACKS}/SPECIES/")
    return tuple(found)


def judged(chosen: tuple[Clip, ...], instruments: Instruments) -> Iterator[Attempt | None]:
    """How each ended; None for a file that cannot be played."""
    for clip in chosen:
        outcome = judge(clip.path, instruments)
        yield None if outcome is None else Attempt(clip.species, outcome)


def judge(path: Path, instruments: Instruments) -> Outcome | None:
    """One walk-up, to its end or until enough was seen."""
    watching, signs, brightness = instruments.watching(), list[Sign](), list[Brightness]()
    try:
        for frame in _frames(path):
            _look(frame, watching, instruments, signs, brightness)
    except CameraError:
        return None
    if not signs:
        return Outcome.NOT_ACQUIRED
    return ENDED[instruments.guard.verdict(signs, brightness[-attempt.MOST_BRIGHTNESS :])]


def digest(chosen: tuple[Clip, ...]) -> str:
    """SHA-256 over the contents and their kinds, free of names."""
    parts = sorted(f"{clip.species}\0{hashlib.sha256(clip.path.read_bytes()).hexdigest()}" for clip in chosen)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _look(
    frame: Frame, watching: attention.Attention, instruments: Instruments, signs: list[Sign], brightness: list[Brightness]
) -> None:
    seen = watching.look(frame)
    if not seen.faces or seen.faces[0].box.height < instruments.min_face_px:
        return
    face = seen.faces[0]
    brightness.append(liveness.brightness(frame.pixels, face.box))
    if not seen.fresh or len(signs) == liveness.MOST_LOOKS:
        return
    if not instruments.gate(frame.pixels, face, align.chip(frame.pixels, face.landmarks)):
        signs.append(instruments.guard.look(frame.pixels, face.box))


def _frames(path: Path) -> Iterator[Frame]:
    """A video's own frames, or a picture for three seconds, stamped as a camera's would be. Raises CameraError."""
    still = path.suffix.lower() in pictures.SUFFIXES
    source: Source = OnePicture(path, SIZE) if still else Video(path, SIZE, RATE)
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    try:
        for number in range(int((STILL_S if still else MOST_S) * RATE)):
            pixels = source.read()
            if pixels is not None:
                at_s = number / RATE
                moment = Moment(begun + timedelta(seconds=at_s), round(at_s * 1_000_000), "evaluation", Quality.UNSYNCED)
                yield camera.Frame(pixels, moment)
    except EndOfPictures:
        return
    finally:
        source.close()


def _playable(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    suffixes = VIDEOS | set(pictures.SUFFIXES)
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in suffixes)
