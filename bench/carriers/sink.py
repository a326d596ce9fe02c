"""An MQTT endpoint for the peers: one line for each message, then its PUBACK. `sink PORT FILE`; SIGUSR1: silent, and back; says so.

It answers what thingsboard-gateway asks before it sends (its session limits), and verifies nothing.
"""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import sys
from pathlib import Path

CONNECT, PUBLISH, PUBREL, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 6, 8, 12, 14
LIMITS = {"maxPayloadSize": 262_144, "maxInflightMessages": 100, "rateLimits": {}, "gatewayRateLimits": {}}
RPC = b"v1/devices/me/rpc/request/"


class Sink:
    """Every connection's messages into one file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=1 << 16)
        self._speaks = asyncio.Event()
        self._speaks.set()

    def toggle(self) -> None:
        """Silent: nothing is read, nothing answered, nothing closed."""
        if self._speaks.is_set():
            self._speaks.clear()
        else:
            self._speaks.set()
        print("speaks" if self._speaks.is_set() else "silent", flush=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version = 4
        try:
            while True:
                kind, flags, body = await packet(reader)
                await self._speaks.wait()
                if writer.is_closing():
                    return
                if kind == CONNECT:
                    version = body[6]
                    writer.write(b"\x20\x03\x00\x00\x00" if version == 5 else b"\x20\x02\x00\x00")
                elif kind == DISCONNECT:
                    return
                else:
                    writer.write(self._answer(kind, flags, body, version))
                self._file.flush()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, kind: int, flags: int, body: bytes, version: int) -> bytes:
        if kind == SUBSCRIBE:
            return (b"\x90\x04" + body[:2] + b"\x00\x01") if version == 5 else b"\x90\x03" + body[:2] + b"\x01"
        if kind == PINGREQ:
            return b"\xd0\x00"
        if kind == PUBREL:
            return b"\x70\x02" + body[:2]
        return self._take(flags, body, version) if kind == PUBLISH else b""

    def _take(self, flags: int, body: bytes, version: int) -> bytes:
        """One message into the file, and what is said to it."""
        quality, length = flags >> 1 & 3, struct.unpack("!H", body[:2])[0]
        topic, rest = body[2 : 2 + length], body[2 + length :]
        number, rest = (rest[:2], rest[2:]) if quality else (b"", rest)
        if version == 5:
            size, used = varint(rest)
            rest = rest[used + size :]
        self._file.write(topic + b" " + rest + b"\n")
        said = {0: b"", 1: b"\x40\x02" + number, 2: b"\x50\x02" + number}[quality]
        if topic.startswith(RPC):
            said += publish(topic.replace(b"/request/", b"/response/"), json.dumps(LIMITS).encode(), version)
        return said


async def packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Kind, flags and body of the next packet."""
    first = (await reader.readexactly(1))[0]
    size, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size, shift = size | (byte & 127) << shift, shift + 7
        if not byte & 128:
            return first >> 4, first & 15, await reader.readexactly(size)


def varint(data: bytes) -> tuple[int, int]:
    """Value and length of a variable byte integer."""
    value = 0
    for used, byte in enumerate(data[:4]):
        value |= (byte & 127) << 7 * used
        if not byte & 128:
            return value, used + 1
    return value, 4


def publish(topic: bytes, payload: bytes, version: int) -> bytes:
    """A PUBLISH of quality 0."""
    body = struct.pack("!H", len(topic)) + topic + (b"\x00" if version == 5 else b"") + payload
    size, length = b"", len(body)
    while True:
        size += bytes([length % 128 | (128 if length > 127 else 0)])
        length //= 128
        if not length:
            return b"\x30" + size + body


async def main() -> None:
    sink = Sink(Path(sys.argv[2]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, sink.toggle)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
