"""What a disk may hold after a power cut, worked out from the calls that were made on it.

What was synced is there; of what was written since, each sector is there or not, as chance decides; a new file's name may be lost
unless its folder was synced (a synced file keeps its name, as on ext4).
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.device import parts
from tests.device.test_journal_durability import strace

SECTOR = 512
CALLS = "openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink"
LINE = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)\)\s+= (-?\d+)")
BYTES = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
ON = re.compile(r"<((?:\\x[0-9a-f]{2})+)>")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that matters: `name` on the file `path`, with what it wrote and where."""

    name: str
    path: str
    data: bytes = b""
    offset: int = 0


@dataclass
class File:
    """A file on the disk and in the page cache: `written` since the last sync, `kept` for sure."""

    kept: bytearray = field(default_factory=bytearray)
    written: list[Call] = field(default_factory=list)
    named: bool = False

    def sync(self) -> None:
        for call in self.written:
            apply(self.kept, call, lambda _: True)
        self.written.clear()


def apply(content: bytearray, call: Call, survives: Callable[[int], bool]) -> None:
    """Sector by sector, those that survive."""
    if call.name == "ftruncate":
        if survives(0):
            content[call.offset :] = bytes(max(0, call.offset - len(content)))
        return
    for first in range(call.offset, call.offset + len(call.data), SECTOR):
        piece = call.data[first - call.offset : first - call.offset + SECTOR]
        if survives(first):
            if len(content) < first:
                content.extend(bytes(first - len(content)))
            content[first : first + len(piece)] = piece


class Disk:
    """What the calls so far have made of a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.files: dict[str, File] = {}

    def take(self, call: Call) -> None:
        if call.name in ("fsync", "fdatasync") and call.path == self._folder:
            for found in self.files.values():
                found.named = True
        elif call.name in ("fsync", "fdatasync"):
            self._file(call.path).sync()
        elif call.name == "unlink":
            self.files.pop(call.path, None)
        elif call.name == "openat":
            self._file(call.path)
        else:
            self._file(call.path).written.append(call)

    def _file(self, path: str) -> File:
        return self.files.setdefault(path, File())

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """File names and contents as they may be found; ext4 and most others keep a synced file's name, and so does this one."""
        likely = chance.choice((0.0, 0.5, 1.0, chance.random()))
        found = {}
        for path, one in self.files.items():
            content = bytearray(one.kept)
            for call in one.written:
                apply(content, call, lambda _: chance.random() < likely)
            if one.named or one.kept or chance.random() < likely:
                found[path] = bytes(content)
        return found


def calls_of(trace: str, folder: str) -> Iterator[Call | int]:
    """The calls on files in `folder`, and a number wherever a receipt with that number was shown."""
    for line in trace.splitlines():
        match = LINE.match(line)
        if match is None or int(match[3]) < 0:
            continue
        name, arguments, result = match.groups()
        data = b"".join(unescaped(found) for found in BYTES.findall(arguments)) if "write" in name else b""
        if name == "write" and arguments.startswith("1<") and re.match(rb"\d+ ", data):
            yield int(data.split()[0])
        path = path_of(name, arguments, line)
        if path == folder or path in (f"{folder}/journal.db", f"{folder}/journal.db-wal", f"{folder}/journal.db-journal"):
            offset = int(arguments.rpartition(",")[2]) if name in ("pwrite64", "ftruncate") else 0
            yield Call(name, path, data[: int(result)], offset)


def path_of(name: str, arguments: str, line: str) -> str:
    """The file that a call works on: of an open one as strace shows it behind the descriptor, else as the call names it."""
    if name in ("openat", "unlink"):
        quoted = BYTES.search(arguments)
        return unescaped(quoted[1]).decode() if quoted else ""
    opened = ON.search(line)
    return unescaped(opened[1]).decode() if opened else ""


def unescaped(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def record(folder: Path, script: str) -> list[Call | int]:
    """The calls that a Python script makes on the journal in `folder`, and the receipts that it shows."""
    trace = folder.with_name(f"{folder.name}.trace")
    tracing = [strace(), "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(trace)]
    subprocess.run([*tracing, sys.executable, "-c", script], cwd=parts.REPO, check=True, capture_output=True, timeout=60)
    return list(calls_of(trace.read_text(), str(folder)))


def cuts(folder: Path, calls: Sequence[Call | int], chance: random.Random, count: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    """At `count` moments: the last receipt that was shown, and the disk as a cut may leave it."""
    moments = sorted(chance.choices(range(len(calls)), k=count))
    disk, shown, at = Disk(str(folder)), 0, 0
    for moment in moments:
        for call in calls[at : moment + 1]:
            if isinstance(call, int):
                shown = call
            else:
                disk.take(call)
        at = moment + 1
        yield shown, disk.after_a_cut(chance)


def put(files: dict[str, bytes], folder: Path) -> Path:
    """The files in a new folder."""
    folder.mkdir()
    for path, content in files.items():
        (folder / Path(path).name).write_bytes(content)
    return folder
