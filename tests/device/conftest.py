"""Real weights and photographs, loaded once; a journal; and how much hypothesis may try."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import argon2
import cv2
import hypothesis
import numpy as np
import platformdirs
import pytest
from numpy.typing import NDArray

from device import config, journal, sight
from device.people import credentials
from models import manifest as manifests
from models import weights
from models.errors import ModelError
from tests.device import parts

hypothesis.settings.register_profile(
    "device", deadline=None, max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
hypothesis.settings.load_profile("device")


@pytest.fixture(autouse=True)
def cheap_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real Argon2id at a thousandth of its cost: hundreds of PINs are checked here. One test holds the real cost."""
    monkeypatch.setattr(credentials, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    monkeypatch.setattr(credentials, "DUMMY", credentials.DUMMY.replace("m=32768,t=3", "m=64,t=1"))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[journal.Journal]:
    """A fresh journal with its genesis record."""
    found = parts.open_journal(tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="session")
def eyes() -> sight.Sight:
    """The real models; their absence is a failure, not a skip."""
    try:
        return sight.load(platformdirs.user_cache_path("daka") / "weights", config.Recognition())
    except ModelError as error:
        pytest.fail(f"{error}\nrun: make test, or: daka models fetch --with-samples", pytrace=False)


@pytest.fixture(scope="session")
def photograph(eyes: sight.Sight) -> Callable[[str], bytes]:
    """The file of a sample photograph by its name in the manifest, digest checked."""
    manifest = manifests.load()
    return lambda name: weights.read(platformdirs.user_cache_path("daka") / "weights", manifest.entry(name))


@pytest.fixture(scope="session")
def pixels(photograph: Callable[[str], bytes]) -> Callable[[str], NDArray[np.uint8]]:
    """The same, unpacked: (height, width, 3) uint8 BGR."""

    def unpacked(name: str) -> NDArray[np.uint8]:
        found = cv2.imdecode(np.frombuffer(photograph(name), np.uint8), cv2.IMREAD_COLOR)
        assert found is not None
        return np.asarray(found, dtype=np.uint8)

    return unpacked


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose name leaves room for a unix socket's path."""
    with tempfile.TemporaryDirectory(prefix="daka-") as folder:
        yield Path(folder)
