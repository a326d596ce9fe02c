"""Inside the arm64 root: the models' answers to a drawn face beside those of the published weights. `answers.py WEIGHTS`"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from device import sight
from device.config import Config
from models import align, reference
from models.landmarks import drawn
from models.landmarks.choice import Wanted


def main() -> None:
    eyes = sight.load(Path(sys.argv[1]), Config().recognition, Wanted.OPENCV)
    reference.compare(eyes)
    expected = np.asarray(reference.VECTOR, dtype=np.float64)
    vector = eyes.embedder.embed(align.chip(drawn.picture(), drawn.face().landmarks))
    print(f"cosine {float(vector @ expected / np.linalg.norm(expected)):.4f}")


if __name__ == "__main__":
    main()
