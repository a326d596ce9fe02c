"""Glasses and hats: drawn on photographs, to see how many more enrolled people are not found with them than without.

Drawn, not worn: no shadow of a real frame, no reflection of a real lamp. They show the loss from what is hidden.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import cast
from bench.trials.rates import rate
from device import config, pictures, sight, terms
from models import align, match, openset
from models.arrays import Landmarks, Pixels

FRAME_GREY, CAP_BLUE = (38, 34, 32), (92, 58, 34)  # blue, green, red
LENS = 0.08  # how much of the light a lens keeps back
SHADOW = 0.35  # what a brim keeps from the forehead, fading downwards


class Wearing(enum.StrEnum):
    """What somebody has put on since they were enrolled."""

    NOTHING = "nothing"
    THIN_GLASSES = "thin glasses"  # rims of 1.4 mm, by the distance of the eyes
    THICK_GLASSES = "thick glasses"  # of 3.5 mm
    HAT = "hat"


RIMS = {Wearing.THIN_GLASSES: 0.022, Wearing.THICK_GLASSES: 0.055}  # of the distance between the eyes, 63 mm in the mean


@dataclass(frozen=True, slots=True)
class Found:
    """Searches for enrolled people: how many were not found, by what they wear."""

    people: int
    searches: int
    threshold: float
    missed: dict[Wearing, int]
    missed_if_enrolled: dict[Wearing, int]

    def points(self, wearing: Wearing, enrolled: bool = False) -> float:
        """Percentage points of FNIR that it costs; `enrolled`: where a second template was made with it on."""
        missed = self.missed_if_enrolled if enrolled else self.missed
        return 100 * (missed[wearing] - self.missed[Wearing.NOTHING]) / self.searches

    def document(self) -> dict[str, object]:
        """For machines."""
        rates = {
            worn.value: {
                "fnir": rate(self.missed[worn], self.searches),
                "points": round(self.points(worn), 2),
                "fnir_enrolled_with_it": rate(self.missed_if_enrolled[worn], self.searches),
                "points_enrolled_with_it": round(self.points(worn, enrolled=True), 2),
            }
            for worn in Wearing
        }
        return {"people": self.people, "searches": self.searches, "threshold": self.threshold, "wearing": rates}


def dressed(pixels: Pixels, landmarks: Landmarks, worn: Wearing) -> Pixels:
    """`pixels` with glasses or a hat on the face whose five landmarks these are; a copy."""
    if worn is Wearing.NOTHING:
        return pixels
    return _with_hat(pixels, landmarks) if worn is Wearing.HAT else _with_glasses(pixels, landmarks, RIMS[worn])


def _frame_of_reference(landmarks: Landmarks) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Middle of the eyes, unit vectors along them and down the face, and their distance in pixels."""
    right, left = landmarks[0].astype(np.float64), landmarks[1].astype(np.float64)
    apart = float(np.hypot(*(left - right)))
    along = (left - right) / max(apart, 1.0)
    return (right + left) / 2, along, np.array([-along[1], along[0]]), apart


def _with_glasses(pixels: Pixels, landmarks: Landmarks, rim: float) -> Pixels:
    """Full rims, a bridge and temples; the lenses keep a little light back."""
    middle, along, down, apart = _frame_of_reference(landmarks)
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    worn, width = pixels.copy(), max(1, round(rim * apart))
    lenses = np.zeros(pixels.shape[:2], dtype=np.uint8)
    axes = (max(2, round(0.40 * apart)), max(2, round(0.30 * apart)))
    centres = [middle + side * 0.5 * apart * along + 0.06 * apart * down for side in (-1, 1)]
    for centre in centres:
        cv2.ellipse(lenses, _point(centre), axes, angle, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
    darkened = worn.astype(np.float32) * (1 - LENS * lenses[:, :, None].astype(np.float32) / 255)
    worn = np.asarray(darkened, dtype=np.uint8)
    for side, centre in zip((-1, 1), centres, strict=True):
        cv2.ellipse(worn, _point(centre), axes, angle, 0, 360, FRAME_GREY, width, cv2.LINE_AA)
        hinge = centre + side * 0.40 * apart * along
        cv2.line(
            worn, _point(hinge), _point(hinge + side * 0.35 * apart * along - 0.04 * apart * down), FRAME_GREY, width, cv2.LINE_AA
        )
        bridge = centre - side * 0.40 * apart * along
        cv2.line(worn, _point(bridge), _point(middle - 0.02 * apart * down), FRAME_GREY, width, cv2.LINE_AA)
    return worn


def _with_hat(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """A cap down to the middle of the forehead, its brim, and the brim's shadow."""
    middle, along, down, apart = _frame_of_reference(landmarks)
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    brim = middle - 0.72 * apart * down
    worn = pixels.astype(np.float32)
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    below = (columns - brim[0]) * down[0] + (rows - brim[1]) * down[1]
    shade = SHADOW * np.clip(1 - below / (0.55 * apart), 0, 1) * (below >= 0)
    aside = np.abs((columns - brim[0]) * along[0] + (rows - brim[1]) * along[1])
    worn *= (1 - shade * (aside < 1.25 * apart))[:, :, None].astype(np.float32)
    shown = np.asarray(np.clip(worn, 0, 255), dtype=np.uint8)
    crown = (max(2, round(1.3 * apart)), max(2, round(1.35 * apart)))
    cv2.ellipse(shown, _point(brim), crown, angle, 180, 360, CAP_BLUE, cv2.FILLED, cv2.LINE_AA)
    edge = (max(2, round(1.35 * apart)), max(1, round(0.16 * apart)))
    cv2.ellipse(shown, _point(brim), edge, angle, 0, 360, tuple(round(0.8 * part) for part in CAP_BLUE), cv2.FILLED, cv2.LINE_AA)
    return shown


def _point(at: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(at[0])), round(float(at[1]))


def wearing(weights: Path, faces: Path | None, most: int = 100_000) -> Found:
    """Everybody enrolled from their first photograph, searched for with each other one, as one look of the kiosk is."""
    eyes = sight.load(weights, config.Recognition())
    found = cast.gathered(weights, faces, eyes, most)
    enrolled = {worn: _enrolled(found, eyes, worn) for worn in Wearing}
    searched = openset.threshold(eyes.bounds, config.Recognition().strangers_named, len(found.members))
    least = max(searched or eyes.bounds[-1].threshold, eyes.one_to_one)
    missed, missed_if_enrolled = dict.fromkeys(Wearing, 0), dict.fromkeys(Wearing, 0)
    probes = [(member.name, photograph.path) for member in found.members for photograph in member.seen]
    both = {worn: match.Gallery.of(enrolled[Wearing.NOTHING] + enrolled[worn]) for worn in Wearing}
    for name, path in probes:
        pixels = pictures.read(path)
        for worn in Wearing:
            vector = _embedded(pixels, eyes, worn)
            missed[worn] += not _is_found(both[Wearing.NOTHING], name, vector, least)
            missed_if_enrolled[worn] += not _is_found(both[worn], name, vector, least)
    eyes.landmarker.close()
    return Found(len(found.members), len(probes), round(least, 4), missed, missed_if_enrolled)


def _enrolled(found: cast.Cast, eyes: sight.Sight, worn: Wearing) -> list[tuple[str, NDArray[np.float32]]]:
    made = ((member.name, _embedded(pictures.read(member.enrolled.path), eyes, worn)) for member in found.members)
    return [(name, vector) for name, vector in made if vector is not None]


def _embedded(pixels: Pixels, eyes: sight.Sight, worn: Wearing) -> NDArray[np.float32] | None:
    """The vector of one look, or none where the face is not found or the gate says no."""
    bare = eyes.faces_in_photograph(pixels)
    if not bare:
        return None
    shown = dressed(pixels, bare[0].landmarks, worn)
    seen = bare if worn is Wearing.NOTHING else eyes.faces_in_photograph(shown)
    if not seen:
        return None
    chip = align.chip(shown, seen[0].landmarks)
    return None if terms.gate(config.Config(), eyes.landmarker)(shown, seen[0], chip) else eyes.embedder.embed(chip)


def _is_found(gallery: match.Gallery, name: str, vector: NDArray[np.float32] | None, least: float) -> bool:
    best = None if vector is None else match.best(gallery, vector)
    margin = config.Recognition().min_margin
    return best is not None and best.person == name and best.score >= least and best.score - best.runner_up >= margin
