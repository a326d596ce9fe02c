"""Whether the compositor still answers: one round trip of Wayland's own protocol, which needs no window and no library."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

ANSWERS_S = 5.0
DISPLAY, SYNC, CALLBACK = 1, 0, 2  # wl_display is object 1 and its first request asks for an answer to a new object, ours


def answers(place: Path, seconds: float = ANSWERS_S) -> bool:
    """wl_display.sync, of the protocol's specification: object, (size << 16 | opcode), then the new object."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as way:
            way.settimeout(seconds)
            way.connect(str(place))
            way.sendall(struct.pack("=III", DISPLAY, 12 << 16 | SYNC, CALLBACK))
            return bool(way.recv(64))
    except OSError:
        return False
