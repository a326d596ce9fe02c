"""What an array must be before a model sees it; pure numpy. A wrong one is a BadInput that says what was expected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInput

Pixels = NDArray[np.uint8]  # (height, width, 3) BGR
# (5, 2) x, y in pixels: right eye, left eye, nose tip, right and left corner of the mouth; right is the person's own right
Landmarks = NDArray[np.float32]
Vector = NDArray[np.float32]  # (128,) unit norm

LONGEST_SIDE_PX = 32_766  # OpenCV's warpAffine and resize use 16-bit coordinates beyond which they raise


def pixels(value: Any) -> Pixels:
    """`value` as (height, width, 3) uint8, contiguous."""
    if not isinstance(value, np.ndarray) or value.dtype != np.uint8 or value.ndim != 3 or value.shape[2] != 3:
        raise BadInput(f"a picture must be a (height, width, 3) uint8 array, BGR; this is {_what(value)}")
    if not 0 < min(value.shape[:2]) <= max(value.shape[:2]) <= LONGEST_SIDE_PX:
        raise BadInput(f"a picture must have 1 to {LONGEST_SIDE_PX} pixels a side; this is {_what(value)}")
    return np.ascontiguousarray(value)


def landmarks(value: Any) -> Landmarks:
    """`value` as (5, 2) float32, finite."""
    points = _numbers(value, (5, 2), "landmarks")
    if not np.all(np.abs(points) < LONGEST_SIDE_PX):
        raise BadInput("landmarks must be finite and near the picture")
    return points


def finite(value: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float32]:
    """`value` as float32 of this shape without NaN or infinity."""
    numbers = _numbers(value, shape, what)
    if not np.all(np.isfinite(numbers)):
        raise BadInput(f"{what} must be finite")
    return numbers


def _numbers(value: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float32]:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.shape != shape:
        raise BadInput(f"{what} must be a {shape} array of floating-point numbers; this is {_what(value)}")
    return np.ascontiguousarray(value, dtype=np.float32)


def _what(value: Any) -> str:
    return f"{value.shape} {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
