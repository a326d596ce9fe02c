"""The hand at the reference lock: button, fingerprint, tamper switch, fall sensor, battery and display, over a unix socket.

One JSON object a line each way. Only the lock's own user can open the socket.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

from device.messages.lock import EventKind
from firmware_bridge.reference.errors import NotRunning
from firmware_bridge.reference.peripheral import Peripheral

ANSWER_S = 10.0


class Display:
    """What the lock shows while somebody pairs, and the answer of the person who reads it."""

    def __init__(self, *, agrees: bool = False) -> None:
        self._agrees = agrees
        self.number: int | None = None
        self._answer: asyncio.Future[bool] | None = None

    async def compare(self, number: int) -> bool:
        """Show the number until somebody says whether the kiosk shows the same."""
        if self._agrees:
            return True
        self.number, self._answer = number, asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        finally:
            self.number = self._answer = None

    def say(self, same: bool) -> bool:
        """The person's answer; False if nobody was asked."""
        if self._answer is None or self._answer.done():
            return False
        self._answer.set_result(same)
        return True


class Control:
    """Answers the lock's command line."""

    def __init__(self, lock: Peripheral, display: Display) -> None:
        self._lock, self._display = lock, display

    async def serve(self, path: Path) -> asyncio.Server:
        """Listen at `path`, for this user alone."""
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._take, str(path))
        os.chmod(path, 0o600)
        return server

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            writer.write(json.dumps(await self._do(asked)).encode() + b"\n")
            await writer.drain()
        except (ValueError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _do(self, asked: dict[str, Any]) -> dict[str, Any]:
        peripheral, lock = self._lock, self._lock.lock
        match asked.get("do"):
            case "press":
                return {"stamped": await peripheral.press(factor=bool(asked.get("factor")))}
            case "tamper":
                lock.tamper(peripheral.now_ms())
            case "drop":
                lock.tamper(peripheral.now_ms(), EventKind.DROP)
            case "battery":
                lock.charge(int(asked["percent"]), peripheral.now_ms())
            case "agree" | "disagree":
                return {"asked": self._display.say(asked["do"] == "agree")}
            case "show":
                return self._shown()
            case _:
                return {"error": "not something that can be done to this lock"}
        return {"done": True}

    def _shown(self) -> dict[str, Any]:
        lock, now_ms = self._lock.lock, self._lock.now_ms()
        kept = lock.standing
        return {
            "state": lock.state,
            "number": self._display.number,
            "lit": lock.lit_until_ms > now_ms,
            "name": kept.name,
            "events": kept.last,
            "epoch": kept.epoch,
            "tampered": bool(kept.tampered),
            "battery": lock.battery,
            "time": lock.hour(now_ms).source.name.lower(),
        }


def ask(path: Path, **what: Any) -> dict[str, Any]:
    """One question from the command line; NotRunning if nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
            way.settimeout(ANSWER_S)
            way.connect(str(path))
            way.sendall(json.dumps(what).encode() + b"\n")
            answer = json.loads(way.makefile("rb").readline())
    except (OSError, ValueError) as error:
        raise NotRunning(f"no lock answers at {path}; start it with: daka-lock run") from error
    assert isinstance(answer, dict)
    return answer
