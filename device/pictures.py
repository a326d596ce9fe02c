"""One picture from a file, safely: JPEG or PNG, measured by its header before a single pixel is unpacked.

Promises an upright BGR array or a reason in one sentence. Never writes a picture, and its reasons never name
the file: the caller knows which it was.
"""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from device.sentences import say

Pixels = NDArray[np.uint8]  # (height, width, 3) BGR

MOST_BYTES = 64 * 1024 * 1024
# 192 MB unpacked; a telephone's 48 megapixels pass. OpenCV's own limit is 2**30 pixels, 3 GB.
MOST_PIXELS = 64_000_000
SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# ITU T.81, table B.1: the SOFn markers, which carry the size; and those that come without a length.
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


class PictureError(Exception):
    """This file gives no picture; the text says why, without the file's name."""


def read(path: Path, most_pixels: int = MOST_PIXELS) -> Pixels:
    """The picture at `path`, upright as its EXIF says: (height, width, 3) uint8 BGR. Raises PictureError."""
    return decode(_bytes_of(path), most_pixels)


def decode(data: bytes, most_pixels: int = MOST_PIXELS) -> Pixels:
    """The picture in `data`: (height, width, 3) uint8 BGR.

    Raises PictureError; OpenCV itself only prints to stderr and returns None.
    """
    width, height = size_in_header(data)
    if width * height > most_pixels:
        claim = f"{width} x {height} pixels, more than the {most_pixels} allowed"
        raise PictureError(say("picture.claim", claim=claim))
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureError(say("picture.damaged")) from error
    if pixels is None:
        raise PictureError(say("picture.cut"))
    return np.asarray(pixels, dtype=np.uint8)


def size_in_header(data: bytes) -> tuple[int, int]:
    """(width, height) as the header of a JPEG or PNG states it, before any turning. Raises PictureError."""
    if data.startswith(PNG_SIGNATURE):
        return _size_in_png(data)
    if data.startswith(b"\xff\xd8"):
        return _size_in_jpeg(data)
    raise PictureError(say("picture.kind"))


def fit(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """`pixels` scaled into `size` (width, height) and centred on black: every picture gets the same shape."""
    width, height = size
    scale = min(width / pixels.shape[1], height / pixels.shape[0])
    inner = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = cv2.resize(pixels, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = small
    return canvas


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        raise PictureError(say("picture.no_file"))
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PictureError(say("picture.unreadable", why=error.strerror)) from error
    if len(data) > MOST_BYTES:
        raise PictureError(say("picture.large", most=MOST_BYTES // 2**20))
    return data


def _size_in_png(data: bytes) -> tuple[int, int]:
    # PNG specification, 11.2.2: IHDR comes first, and width and height lead it.
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise PictureError(say("picture.png"))
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _size_in_jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        if marker == 0xFF:  # padding
            at += 1
        elif marker in JPEG_ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise PictureError(say("picture.jpeg"))
