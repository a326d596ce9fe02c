"""The `.task` bundle: an archive with three TFLite graphs, from verified bytes."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from models.errors import ModelError

FINDER, MESH, SHAPES = "face_detector.tflite", "face_landmarks_detector.tflite", "face_blendshapes.tflite"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The graphs: where the face is, its points, its blendshapes."""

    finder: bytes
    mesh: bytes
    shapes: bytes


def unpacked(task: bytes) -> Bundle:
    """The graphs of a bundle. Raises ModelError."""
    try:
        with zipfile.ZipFile(io.BytesIO(task)) as archive:
            return Bundle(*(archive.read(name) for name in (FINDER, MESH, SHAPES)))
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelError(f"face_landmarker.task is not the bundle it should be ({error}); run: daka models fetch") from error
