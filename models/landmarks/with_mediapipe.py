"""MediaPipe's face landmarker. It posts usage statistics to its maker and has no switch for that, so it lives where it cannot.

Its Python part hands every call to one thread of its own; that thread, and all that the library starts, descend from one that has
given up sockets. The library comes from PyPI, the bundle from verified bytes; nothing is written.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from models.arrays import Pixels
from models.detect import Face
from models.errors import ModelError
from models.landmarks import quiet, region
from models.landmarks.mesh import Mesh

STANDARD_ERROR = 2
PLOTTING, SOUND = ("matplotlib", "matplotlib.pyplot"), "sounddevice"


class WithMediaPipe:
    """One face at a time; `find` may be called from several threads."""

    name = "mediapipe"

    def __init__(self, task: bytes) -> None:
        """`task`: the bundle, verified. Takes two seconds. Raises ModelError; on a processor that is too old, dies (see probe)."""
        self._library, self._landmarker = quiet.made_without_sockets(lambda: _made(task))

    def find(self, pixels: Pixels, face: Face) -> Mesh | None:
        """See models.landmarks.Landmarker; about 10 ms."""
        cut = region.cut(pixels, face)
        if cut is None:
            return None
        height, width = cut.rgb.shape[:2]
        try:
            picture = self._library.Image(image_format=self._library.ImageFormat.SRGB, data=cut.rgb)
            found = self._landmarker.detect(picture)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"MediaPipe failed while it looked at a face ({' '.join(str(error).split())[:200]})") from error
        if not found.face_landmarks or not found.face_blendshapes:
            return None
        points = np.array([(point.x, point.y, point.z) for point in found.face_landmarks[0]]) * (width, height, width)
        on_frame = cut.to_frame(points)
        if not region.lies_on(on_frame, face):
            return None
        return Mesh.of(on_frame, np.array([shape.score for shape in found.face_blendshapes[0]]))

    def close(self) -> None:
        """Ends the library's threads."""
        self._landmarker.close()


def _made(task: bytes) -> tuple[Any, Any]:
    """The library and a landmarker for single pictures: a face that moves is followed elsewhere."""
    try:
        with _nothing_besides():
            library = importlib.import_module("mediapipe")
            vision = importlib.import_module("mediapipe.tasks.python.vision")
        base = library.tasks.BaseOptions(model_asset_buffer=task)
        options = vision.FaceLandmarkerOptions(base_options=base, num_faces=1, output_face_blendshapes=True)
        with _hushed():
            return library, vision.FaceLandmarker.create_from_options(options)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"MediaPipe cannot be loaded ({' '.join(str(error).split())[:200]})") from error


@contextmanager
def _nothing_besides() -> Iterator[None]:
    """While MediaPipe is imported, neither matplotlib nor a sound device is: it wants both for what we never call.

    The one writes its list of fonts into the home directory, the other is sought with the C compiler. Both stay usable for others.
    """
    stand_ins = {} if "matplotlib" in sys.modules else {name: ModuleType(name) for name in PLOTTING}
    if stand_ins:
        vars(stand_ins[PLOTTING[0]])["pyplot"] = stand_ins[PLOTTING[1]]
    before = {name: sys.modules[name] for name in (SOUND,) if name in sys.modules}
    sys.modules.update(stand_ins)
    vars(sys)["modules"][SOUND] = None  # Python's own way to say that a module is not to be had
    try:
        yield
    finally:
        for name in (*stand_ins, SOUND):
            sys.modules.pop(name, None)
        sys.modules.update(before)


@contextmanager
def _hushed() -> Iterator[None]:
    """While the library starts its log of warnings about itself goes nowhere: it offers no level, and errors are exceptions."""
    kept, nowhere = os.dup(STANDARD_ERROR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STANDARD_ERROR)
        yield
    finally:
        os.dup2(kept, STANDARD_ERROR)
        os.close(kept)
        os.close(nowhere)
