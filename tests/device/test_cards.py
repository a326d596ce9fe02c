"""A template on a card: it opens here alone, unchanged, in time, and for the weights that made it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import segno
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device import cards, sight
from models import align, match
from tests.device import parts

KEY, OTHER_KEY, EMBEDDER = bytes(range(32)), bytes(32), "fb" * 32
TOMORROW = parts.START + timedelta(days=1)


def vector(seed: int = 1) -> NDArray[np.float32]:
    numbers = np.random.default_rng(seed).standard_normal(128).astype(np.float32)
    return np.asarray(numbers / np.linalg.norm(numbers), dtype=np.float32)


_, ISSUED = cards.issue(KEY, parts.ADA, EMBEDDER, vector(), TOMORROW)


def test_a_card_opens_to_its_person_and_a_face_that_hardly_differs(
    eyes: sight.Sight, pixels: Callable[[str], NDArray[np.uint8]]
) -> None:
    for name in ("obama", "biden", "person_a_1", "person_b_1", "impostor_2"):
        whole = pixels(name)
        face = eyes.embedder.embed(align.chip(whole, eyes.faces_in_photograph(whole)[0].landmarks))
        number, text = cards.issue(KEY, parts.ADA, EMBEDDER, face, TOMORROW)
        card = cards.read(KEY, EMBEDDER, text, parts.START)
        assert (card.card, card.person, card.expires_at) == (number, parts.ADA, TOMORROW)
        assert match.score(card.vector, face) > 0.9995


@pytest.mark.parametrize("degrees", [-12, 0, 8])
def test_the_printed_code_is_read_back_by_a_camera(tmp_path: Path, degrees: int) -> None:
    for seed in range(5):  # nonces are random, and so is each code's pattern
        _, text = cards.issue(KEY, parts.ADA, EMBEDDER, vector(seed), TOMORROW)
        segno.make_qr(text, error="m").save(str(tmp_path / "card.png"), scale=6, border=4)
        picture = cv2.imread(str(tmp_path / "card.png"))
        assert picture is not None
        middle = (picture.shape[1] / 2, picture.shape[0] / 2)
        turn = cv2.getRotationMatrix2D(middle, degrees, 0.8)
        tilted = cv2.warpAffine(picture, turn, picture.shape[1::-1], borderValue=(255, 255, 255))
        found = zxingcpp.read_barcode(tilted, formats=zxingcpp.barcode_formats_from_str("QRCode"))
        assert found is not None
        assert found.text == text


@pytest.mark.parametrize(
    ("key", "embedder", "now", "says"),
    [
        (OTHER_KEY, EMBEDDER, parts.START, "no face card of this kiosk"),
        (KEY, "ab" * 32, parts.START, "other face weights"),
        (KEY, EMBEDDER, TOMORROW, "expired"),
    ],
    ids=["another kiosk", "other weights", "too late"],
)
def test_a_card_is_refused_with_what_to_do(key: bytes, embedder: str, now: object, says: str) -> None:
    _, text = cards.issue(KEY, parts.ADA, EMBEDDER, vector(), TOMORROW)
    with pytest.raises(cards.CardRefused, match=says):
        cards.read(key, embedder, text, now)  # type: ignore[arg-type]


@given(st.one_of(st.text(max_size=400), st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", max_size=500).map(cards.PREFIX.__add__)))
def test_any_other_code_is_refused_and_never_breaks_anything(text: str) -> None:
    with pytest.raises(cards.CardRefused):
        cards.read(KEY, EMBEDDER, text, parts.START)


@given(st.data())
def test_one_changed_letter_is_no_card(data: st.DataObject) -> None:
    text = ISSUED
    at = data.draw(st.integers(len(cards.PREFIX), len(text) - 2))  # the last letter has bits to spare
    letter = data.draw(st.sampled_from([letter for letter in "ABCDEFGH234567" if letter != text[at]]))
    with pytest.raises(cards.CardRefused):
        cards.read(KEY, EMBEDDER, text[:at] + letter + text[at + 1 :], parts.START)
