"""A chip as 128 numbers: SFace in ONNX Runtime. Arrays in, array out; keeps neither the picture nor the vector."""

from __future__ import annotations

import numpy as np

from models import arrays
from models.align import SIZE
from models.arrays import Pixels, Vector
from models.errors import BadInput, ModelError
from models.match import DIMENSIONS
from models.session import Session

LEAST_LENGTH = 1e-6  # a vector shorter than this has no direction


class Embedder:
    """Faces of the same person point in about the same direction."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        """`model`: `weights.Ready.embedder`. Raises ModelError."""
        self._session = Session(model, threads)
        if len(self._session.inputs) != 1 or len(self._session.outputs) != 1:
            raise BadInput("this model is not the folded SFace; run: daka models fetch")

    def embed(self, chip: Pixels) -> Vector:
        """(128,) float32 of unit length for a (112, 112, 3) uint8 BGR chip of `align.chip`. Raises BadInput, ModelError."""
        picture = arrays.pixels(chip)
        if picture.shape != (SIZE, SIZE, 3):
            raise BadInput(f"a chip must be ({SIZE}, {SIZE}, 3); this is {picture.shape}")
        # RGB, 0 to 255: the graph itself brings the numbers to -1 to 1
        upright = np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1)[None], dtype=np.float32)
        vector = self._session.run(self._session.outputs, {self._session.inputs[0]: upright})[0].reshape(-1)
        length = float(np.linalg.norm(vector))
        if vector.shape != (DIMENSIONS,) or not np.isfinite(length) or length < LEAST_LENGTH:
            raise ModelError("the embedder gave no usable vector; run: daka models verify")
        return np.asarray(vector / length, dtype=np.float32)
