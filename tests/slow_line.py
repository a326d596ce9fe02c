"""A slow line before a real broker: it carries what clients say at a few bytes a second, and what the broker says at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.broker import ADDRESS

PIECE = 4_096  # bytes; the buffers are small too, or the kernel would swallow what the line does not carry yet


@contextmanager
def to(port: int, bytes_a_second: int) -> Iterator[int]:
    """The port of a line to the broker at `port`."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
        door.bind((ADDRESS, 0))
        door.listen()
        threading.Thread(target=_serve, args=(door, port, PIECE / bytes_a_second), daemon=True).start()
        yield door.getsockname()[1]


def _serve(door: socket.socket, port: int, pause_s: float) -> None:
    with suppress(OSError):  # the door is closed
        while True:
            client, _ = door.accept()
            broker = socket.create_connection((ADDRESS, port))
            for pair in ((client, broker, pause_s), (broker, client, 0.0)):
                threading.Thread(target=_carry, args=pair, daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket, pause_s: float) -> None:
    """Until one end is gone; then the other is told."""
    with suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
            time.sleep(pause_s)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
