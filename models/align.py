"""A face turned upright and cut out to the size that the embedder was trained on. Arrays in, array out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models import arrays
from models.arrays import Landmarks, Pixels
from models.errors import BadInput

SIZE = 112  # pixels
# Where the five landmarks lie in a chip: the template of ArcFace (Deng et al., arXiv:1801.07698), published as `arcface_dst`
# in InsightFace (MIT); SFace was trained on it and OpenCV's FaceRecognizerSF aligns to it.
REFERENCE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
LEAST_SPREAD_PX = 0.5  # root mean square distance of the landmarks from their middle; below it they are one point, and no face


def chip(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """The face with these landmarks, (5, 2) in pixels of `pixels`, upright: (112, 112, 3) uint8 BGR. Raises BadInput."""
    transform = similarity(arrays.landmarks(landmarks))
    turned = cv2.warpAffine(arrays.pixels(pixels), transform, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    return np.asarray(turned, dtype=np.uint8)


def similarity(landmarks: Landmarks) -> NDArray[np.float64]:
    """The (2, 3) turn, scale and shift that brings `landmarks` nearest to the reference points, by least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE PAMI 13(4), 1991,
    equations 38 to 43.
    """
    points = landmarks.astype(np.float64)
    middle, target = points.mean(axis=0), REFERENCE.mean(axis=0)
    spread = float(((points - middle) ** 2).sum(axis=1).mean())
    if spread < LEAST_SPREAD_PX**2:
        raise BadInput("the landmarks of this face lie on one point; it cannot be aligned")
    covariance = (REFERENCE - target).T @ (points - middle) / len(points)
    left, singular, right = np.linalg.svd(covariance)
    signs = np.array([1.0, 1.0 if np.linalg.det(covariance) >= 0 else -1.0])  # a mirrored face is turned, never mirrored back
    turn = (left * signs) @ right
    scaled = turn * float(singular @ signs) / spread
    return np.column_stack([scaled, target - scaled @ middle])
