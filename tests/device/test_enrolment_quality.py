"""A photograph that would make a poor template is refused with what to do about it, and nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from device import desk, enrolment, people, sight
from device.sentences import ENGLISH, say
from models.quality import Reason
from tests import coverings
from tests.device import parts

Pixels = Callable[[str], NDArray[np.uint8]]


def gain(picture: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    return np.asarray(np.clip(picture.astype(np.float32) * factor, 0, 255), dtype=np.uint8)


POOR: dict[Reason, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    Reason.TOO_DARK: lambda picture: gain(picture, 0.1),
    Reason.TOO_BRIGHT: lambda picture: gain(picture, 2.2),
    Reason.BLURRED: lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), 12), dtype=np.uint8),
    Reason.TILTED: lambda picture: coverings.rolled(picture, (picture.shape[1] / 2, picture.shape[0] / 3), 24),
}


@pytest.mark.parametrize("reason", list(POOR))
def test_a_poor_photograph_is_refused_with_its_remedy_and_makes_no_template(
    tmp_path: Path, eyes: sight.Sight, pixels: Pixels, reason: Reason
) -> None:
    directory = people.Directory(tmp_path / "people.db", bytes(32))
    office = desk.Desk(parts.open_journal(tmp_path), directory, parts.Clock(), lambda: eyes)
    office.add_person("1001", "Somebody", "en", "test")
    office.give_consent("1001", "en", "consent", "test")
    photograph = cv2.imencode(".png", POOR[reason](pixels("obama")))[1].tobytes()
    with pytest.raises(enrolment.EnrolmentRefused, match=re.escape(say(f"enrol.{reason}"))):
        office.enrol("1001", photograph, "test")
    assert directory.list()[0].templates == 0


def test_every_reason_of_the_gate_has_a_remedy() -> None:
    assert {f"enrol.{reason}" for reason in Reason} <= set(ENGLISH)
