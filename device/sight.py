"""The models of one kiosk, loaded once from verified bytes, and what their scores mean here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from device import config, messages
from models import manifest as manifests
from models import memory, weights
from models.align import SIZE
from models.detect import Detector, Face
from models.embed import Embedder
from models.errors import ModelError
from models.landmarks import Landmarker, choice
from models.landmarks.choice import Wanted
from models.liveness import AntiSpoofing
from models.manifest import Calibration
from models.openset import Bound

PHOTOGRAPH_SIDE_PX = 640  # a photograph is brought to this before faces are looked for


@dataclass(frozen=True, slots=True)
class Sight:
    """`one_to_one` is the cosine from which a look counts against one person's templates, and the least in a search.

    `bounds` are the false-match rates that were measured: what a search may promise. `landmarks`: who lays the mesh,
    in a sentence.
    """

    detector: Detector
    photographs: Detector
    embedder: Embedder
    models: messages.Models
    landmarker: Landmarker
    landmarks: str
    antispoofing: AntiSpoofing | None
    one_to_one: float
    bounds: tuple[Bound, ...]

    def faces_in_photograph(self, pixels: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Faces in a photograph of any size, nearest first, in the photograph's own pixels."""
        return self.photographs.faces(pixels)


def load(directory: Path, recognition: config.Recognition, landmarks: Wanted = Wanted.OPENCV) -> Sight:
    """Every digest checked, then the graphs loaded. Raises ModelError, whose message names the command that mends it.

    `landmarks`: the daemon asks for what is fastest here; whoever looks at one photograph is served sooner by OpenCV.
    """
    ready = weights.ready(directory)
    if ready.calibration is None:
        raise ModelError("the manifest holds no calibration, so no score means anything; install Daka again")
    found = _loaded(ready, recognition, ready.calibration, directory, landmarks)
    del ready
    memory.give_back()
    _run_once(found)
    memory.into_huge_pages()
    return found


def _run_once(found: Sight) -> None:
    """The libraries make their working memory at the first run: it is to be there, in huge pages, before the first person is."""
    found.detector.faces(np.zeros((480, 640, 3), dtype=np.uint8))
    found.embedder.embed(np.zeros((SIZE, SIZE, 3), dtype=np.uint8))


def _loaded(
    ready: weights.Ready, recognition: config.Recognition, calibration: Calibration, directory: Path, landmarks: Wanted
) -> Sight:
    chosen = choice.here(landmarks, directory, manifests.load().entry(weights.LANDMARKER))
    working = (recognition.working_width, recognition.working_height)
    cv2.setNumThreads(recognition.threads)
    threadpool_limits(recognition.threads, user_api="blas")  # numpy's own default is every core, which then wait for each other
    return Sight(
        Detector(ready.detector, threads=recognition.threads, working_size=working),
        Detector(ready.detector, threads=recognition.threads, working_size=(PHOTOGRAPH_SIDE_PX, PHOTOGRAPH_SIDE_PX)),
        Embedder(ready.embedder, threads=recognition.threads),
        messages.Models(ready.digests[weights.DETECTOR], ready.digests[weights.EMBEDDER]),
        choice.opened(chosen, ready.landmarker),
        chosen.sentence,
        AntiSpoofing(*ready.antispoofing, threads=recognition.threads) if ready.antispoofing else None,
        calibration.one_to_one,
        calibration.limits,
    )
