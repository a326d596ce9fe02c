"""A message as the link can carry it: pieces of at most `most` bytes, each with two bytes before it.

Byte 0: bit 7 set in the last piece, bit 6 in the first, the rest zero. Byte 1: the piece's number modulo 256. One message is
under way in each direction; a first piece always begins anew, so a message that was never finished is forgotten.
"""

from __future__ import annotations

from firmware_bridge.protocol.errors import FrameRefused

LAST, FIRST = 0x80, 0x40
HEADER_BYTES = 2
MOST_MESSAGE_BYTES = 4_096
LEAST_FRAME_BYTES = 20  # an ATT_MTU of 23, the smallest there is


def split(message: bytes, most: int) -> list[bytes]:
    """The pieces of `message`, none longer than `most` bytes."""
    if len(message) > MOST_MESSAGE_BYTES:
        raise FrameRefused(f"a message of {len(message)} bytes is over the limit of {MOST_MESSAGE_BYTES}")
    size = max(most, LEAST_FRAME_BYTES) - HEADER_BYTES
    chunks = [message[start : start + size] for start in range(0, len(message), size)] or [b""]
    end = len(chunks) - 1
    return [
        bytes([(FIRST if number == 0 else 0) | (LAST if number == end else 0), number & 0xFF]) + chunk
        for number, chunk in enumerate(chunks)
    ]


class Assembler:
    """Puts the pieces of one direction together."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, frame: bytes) -> bytes | None:
        """The whole message once its last piece is there; FrameRefused drops what was there."""
        if len(frame) < HEADER_BYTES or frame[0] & ~(LAST | FIRST):
            raise self._dropped("a piece without a header of this profile")
        if frame[0] & FIRST:
            self._drop()
        if frame[1] != len(self._parts) & 0xFF or bool(frame[0] & FIRST) is bool(self._parts):
            raise self._dropped("a piece is missing or out of order")
        self._parts.append(frame[HEADER_BYTES:])
        self._size += len(frame) - HEADER_BYTES
        if self._size > MOST_MESSAGE_BYTES:
            raise self._dropped(f"a message over the limit of {MOST_MESSAGE_BYTES} bytes")
        if not frame[0] & LAST:
            return None
        message = b"".join(self._parts)
        self._drop()
        return message

    def _dropped(self, why: str) -> FrameRefused:
        self._drop()
        return FrameRefused(why)

    def _drop(self) -> None:
        self._parts, self._size = [], 0
