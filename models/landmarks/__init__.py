"""478 points on a face, 52 blendshapes and the head's pose: one interface, two ways to the same numbers.

MediaPipe where the processor runs it, and elsewhere the three graphs of the same bundle in OpenCV. Arrays in, a Mesh out; keeps no
picture, opens no internet socket, writes no file.
"""

from __future__ import annotations

from typing import Protocol

from models.arrays import Pixels
from models.detect import Face
from models.landmarks.mesh import BLENDSHAPES, Mesh, Pose

__all__ = ["BLENDSHAPES", "Landmarker", "Mesh", "Pose"]


class Landmarker(Protocol):
    """Lays a mesh over one face."""

    def find(self, pixels: Pixels, face: Face) -> Mesh | None:
        """The mesh of `face` in a BGR frame; None where no mesh lies on that face. Raises BadInput, ModelError."""
        ...

    def close(self) -> None: ...
