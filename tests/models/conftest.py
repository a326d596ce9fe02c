"""The real weights and photographs of the manifest, verified; and the models loaded from them once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import platformdirs
import pytest
from numpy.typing import NDArray

from models import manifest as manifests
from models import weights
from models.detect import Detector
from models.embed import Embedder
from models.errors import WeightsError
from models.manifest import Group, Manifest

Photograph = Callable[[str], NDArray[np.uint8]]


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return manifests.load()


@pytest.fixture(scope="session")
def weights_directory(manifest: Manifest) -> Path:
    """The default folder with the core files and the photographs; its absence is a failure, not a skip."""
    directory = platformdirs.user_cache_path("daka") / "weights"
    try:
        weights.ready(directory, manifest)
        for entry in manifest.of_groups(frozenset({Group.SAMPLES})):
            weights.read(directory, entry)
    except WeightsError as error:
        pytest.fail(f"{error}\nrun: make test, or: daka models fetch --with-samples", pytrace=False)
    return directory


@pytest.fixture(scope="session")
def ready(weights_directory: Path, manifest: Manifest) -> weights.Ready:
    return weights.ready(weights_directory, manifest)


@pytest.fixture(scope="session")
def detector(ready: weights.Ready) -> Detector:
    return Detector(ready.detector)


@pytest.fixture(scope="session")
def embedder(ready: weights.Ready) -> Embedder:
    return Embedder(ready.embedder)


@pytest.fixture(scope="session")
def photograph(weights_directory: Path, manifest: Manifest) -> Photograph:
    """A photograph by its name in the manifest, (height, width, 3) uint8 BGR."""

    def decode(name: str) -> NDArray[np.uint8]:
        data = weights.read(weights_directory, manifest.entry(name))
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        return np.asarray(pixels, dtype=np.uint8)

    return decode
