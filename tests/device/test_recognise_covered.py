"""Somebody in a mask before the kiosk: told so within a second, never compared, and clocked in once the mask is off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from device import camera, config, pictures, recognise, sight, terms
from device.attend import Identity
from device.messages import Capture
from device.recognise import Waiting
from tests import coverings
from tests.coverings import Picture
from tests.device import parts
from tests.device.test_recognise_photographs import FRAME, Counted, gallery, watching

Pixels = Callable[[str], NDArray[np.uint8]]


@pytest.fixture
def embedder(eyes: sight.Sight) -> Counted:
    return Counted(eyes)


@pytest.fixture
def recogniser(eyes: sight.Sight, pixels: Pixels, embedder: Counted) -> recognise.Recogniser:
    known = recognise.Known(gallery(eyes, pixels), eyes.one_to_one, eyes.one_to_one)
    chosen = config.Config()
    gate, policy = terms.gate(chosen, eyes.landmarker), terms.recognition_policy(chosen)
    return recognise.Recogniser(watching(eyes), gate, embedder, known, policy, Capture.SIMULATED)


def in_a_mask(eyes: sight.Sight, plain: Picture) -> Picture:
    mesh = eyes.landmarker.find(plain, eyes.detector.faces(plain)[0])
    assert mesh is not None
    return coverings.masked(plain, mesh, coverings.MASKS["blue"])


def test_a_mask_is_named_within_a_second_and_nobody_is_compared(
    eyes: sight.Sight, pixels: Pixels, recogniser: recognise.Recogniser, embedder: Counted
) -> None:
    worn = in_a_mask(eyes, pictures.fit(pixels("obama2"), FRAME))
    said = [recogniser.see(camera.Frame(worn, parts.moment(number / 10))) for number in range(10)]
    assert Waiting.MOUTH_COVERED in said
    assert not [one for one in said if not isinstance(one, Waiting)]
    assert embedder.count == 0


def test_whoever_takes_the_mask_off_is_clocked_in(
    eyes: sight.Sight, pixels: Pixels, recogniser: recognise.Recogniser, embedder: Counted
) -> None:
    plain = pictures.fit(pixels("obama2"), FRAME)
    worn = in_a_mask(eyes, plain)
    frames = [worn] * 10 + [plain] * 10
    said = [recogniser.see(camera.Frame(picture, parts.moment(number / 10))) for number, picture in enumerate(frames)]
    (who,) = (one for one in said if isinstance(one, Identity))
    assert who.person == parts.ADA
    assert embedder.count == 3
