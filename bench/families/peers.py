"""Detect, align and embed beside face_recognition (dlib), which most home-made terminals use: time, and errors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.families.recognition import frame
from bench.peers import dlib_peer
from bench.registry import Pair, Reading, Setting, Statistic, gauge, number
from device import pictures
from models import align, weights
from models import manifest as manifests
from models.detect import Detector
from models.embed import Embedder
from models.manifest import Group

SIDE_PX = 640
MOST_PEOPLE = 150  # of the labelled photographs: dlib takes about a tenth of a second for each picture
EACH = 3
LEAST_FOR_HALVES = 20  # people
SAME = {"impostor_1": "obama", "32bit": "obama"}  # samples whose names say otherwise (see MODEL_CARD.md)


@number(
    family="peers",
    name="detect, align and embed in a 640x480 frame",
    ours="Detector.faces + align.chip + Embedder.embed",
    peer="face_recognition (dlib): face_locations (HOG) + face_encodings, in a process of its own",
    at_most=0.16,
)
def beside_dlib(setting: Setting) -> Iterator[Pair]:
    """The whole way from a frame to the numbers of its face."""
    ready, pixels = weights.ready(setting.weights), frame(setting)
    detector, embedder = Detector(ready.detector), Embedder(ready.embedder)

    def ours() -> None:
        embedder.embed(align.chip(pixels, detector.faces(pixels)[0].landmarks))

    with dlib_peer.running(setting.peers) as theirs:
        theirs.load(pixels, setting.scratch / "frame.npy")
        yield Pair(ours, lambda: theirs.ask("run"))


@gauge(
    family="peers",
    name="wrong, or no face found, on the same pictures",
    unit="% of pairs",
    ours="each at the threshold that is best for it on half of the people, counted on the other half (few people: on all)",
    peer="face_recognition (dlib), likewise",
    at_most=None,
    statistic=Statistic.MEDIAN,
)
def errors_beside_dlib(setting: Setting) -> Reading:
    """Pairs that are decided wrongly, or cannot be because no face was found; both halves in turns."""
    found = labelled(setting)
    ready = weights.ready(setting.weights)
    detector, embedder = Detector(ready.detector, working_size=(SIDE_PX, SIDE_PX)), Embedder(ready.embedder)
    ours: list[NDArray[np.float64] | None] = []
    theirs: list[NDArray[np.float64] | None] = []
    with dlib_peer.running(setting.peers) as dlib:
        for _, pixels in found:
            faces = detector.faces(pixels)
            ours.append(embedder.embed(align.chip(pixels, faces[0].landmarks)).astype(np.float64) if faces else None)
            dlib.load(pixels, setting.scratch / "picture.npy")
            vector = dlib.ask("vector")["vector"]
            theirs.append(None if vector is None else np.array(vector))
    people = [person for person, _ in found]
    mine, other = errors(people, ours), errors(people, theirs)
    missed, lost = (sum(vector is None for vector in vectors) for vectors in (ours, theirs))
    return Reading(mine, other, f"{len(found)} pictures of {len(set(people))} people; no face found in {missed} and in {lost}")


def labelled(setting: Setting) -> list[tuple[str, NDArray[np.uint8]]]:
    """Person and picture: of `--faces`, the first people with several photographs; else the samples of the manifest."""
    if setting.faces is None:
        return [(_person(name), _decoded(setting, name)) for name in _samples()]
    folders = sorted(folder for folder in setting.faces.iterdir() if folder.is_dir())
    several = [files for folder in folders if len(files := sorted(folder.glob("*.jp*g"))) > 1][:MOST_PEOPLE]
    return [(file.parent.name, _fitted(pictures.read(file))) for files in several for file in files[:EACH]]


def _samples() -> list[str]:
    return [entry.name for entry in manifests.load().of_groups(frozenset({Group.SAMPLES}))]


def _person(name: str) -> str:
    return SAME.get(name, name.split("_partial")[0].rstrip("0123456789_"))


def _decoded(setting: Setting, name: str) -> NDArray[np.uint8]:
    data = np.frombuffer(weights.read(setting.weights, manifests.load().entry(name)), dtype=np.uint8)
    return _fitted(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8))


def _fitted(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(1.0, SIDE_PX / max(pixels.shape[:2]))
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def errors(people: list[str], vectors: list[NDArray[np.float64] | None]) -> tuple[float, ...]:
    """Percent of pairs that come out wrong in each half of the people, at the distance that is best in the other half.

    Of few people: of all pairs, at the distance that is best for them.

    Genuine and impostor pairs weigh the same, whatever their numbers; a pair without a face on either side is wrong.
    """
    names = sorted(set(people))
    if len(names) < LEAST_FOR_HALVES:
        every = _distances(people, vectors, frozenset(names))
        return (100 * _wrong(every, _best(every)),)
    halves = [frozenset(names[start::2]) for start in (0, 1)]
    scored = [_distances(people, vectors, half) for half in halves]
    return tuple(100 * _wrong(scored[test], _best(scored[1 - test])) for test in (0, 1))


Scored = tuple[NDArray[np.float64], NDArray[np.float64]]  # distances of genuine and of impostor pairs; infinite without a face


def _distances(people: list[str], vectors: list[NDArray[np.float64] | None], of: frozenset[str]) -> Scored:
    genuine: list[float] = []
    impostor: list[float] = []
    for (one, left), (other, right) in itertools.combinations(zip(people, vectors, strict=True), 2):
        if one in of and other in of:
            apart = np.inf if left is None or right is None else float(np.linalg.norm(left - right))
            (genuine if one == other else impostor).append(apart)
    return np.array(genuine), np.array(impostor)


def _best(scored: Scored) -> float:
    """The distance with the fewest errors, in the middle between two that occur."""
    occurring = np.unique(np.concatenate(scored))
    finite = occurring[np.isfinite(occurring)]
    between = (finite[:-1] + finite[1:]) / 2
    return float(min(between, key=lambda at: _wrong(scored, at), default=0.0))


def _wrong(scored: Scored, at: float) -> float:
    genuine, impostor = scored
    missed = float((genuine > at).mean()) if len(genuine) else 0.0
    accepted = float(((impostor <= at) | np.isinf(impostor)).mean()) if len(impostor) else 0.0
    return (missed + accepted) / 2
