"""What a disk may hold after a power cut, worked out from the calls that were made on it.

What was synced is there; of what was written since, each sector is there or not, as chance decides; a new file's name may be lost
unless its folder was synced (a synced file keeps its name, as on ext4). What a sync failed to write is there or not, too, and no
later sync changes that, since the kernel takes it for written: only what is written anew counts.
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
SYNCS = ("fsync", "fdatasync")
FAILED = "failed sync"
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

    def fail(self, chance: random.Random) -> None:
        """A sync that reported an error."""
        for call in self.written:
            apply(self.kept, call, lambda _: chance.random() < 0.5)
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

    def __init__(self, folder: str, chance: random.Random) -> None:
        self._folder, self._chance = folder, chance
        self.files: dict[str, File] = {}

    def take(self, call: Call) -> None:
        if call.name in SYNCS and call.path == self._folder:
            for found in self.files.values():
                found.named = True
        elif call.name in SYNCS:
            self._file(call.path).sync()
        elif call.name == FAILED:
            self._file(call.path).fail(self._chance)
        elif call.name == "unlink":
            self.files.pop(call.path, None)
        elif call.name == "openat":
            self._file(call.path)
        else:
            self._file(call.path).written.append(call)

    def _file(self, path: str) -> File:
        return self.files.setdefault(path, File())

    def after_a_cut(self) -> dict[str, bytes]:
        """File names and contents as they may be found; ext4 and most others keep a synced file's name, and so does this one."""
        chance = self._chance
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
    """The calls on files in `folder`; a number wherever a receipt with that number was shown, minus N where try N was refused."""
    for line in trace.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        name, arguments, result = match.groups()
        if int(result) < 0 and name not in SYNCS:
            continue
        data = b"".join(unescaped(found) for found in BYTES.findall(arguments)) if "write" in name else b""
        if name == "write" and arguments.startswith("1<") and (shown := re.match(rb"(refused )?(\d+) ", data)):
            yield -int(shown[2]) if shown[1] else int(shown[2])
        path = path_of(name, arguments, line)
        if path == folder or path in (f"{folder}/journal.db", f"{folder}/journal.db-wal", f"{folder}/journal.db-journal"):
            offset = int(arguments.rpartition(",")[2]) if name in ("pwrite64", "ftruncate") else 0
            yield Call(FAILED if int(result) < 0 else name, path, data[: int(result)], offset)


def path_of(name: str, arguments: str, line: str) -> str:
    """The file that a call works on: of an open one as strace shows it behind the descriptor, else as the call names it."""
    if name in ("openat", "unlink"):
        quoted = BYTES.search(arguments)
        return unescaped(quoted[1]).decode() if quoted else ""
    opened = ON.search(line)
    return unescaped(opened[1]).decode() if opened else ""


def unescaped(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def record(folder: Path, script: str, *fault: str, ends: int = 0) -> list[Call | int]:
    """The calls that a Python script makes on the journal in `folder`, and what it shows; it ends with the code `ends`."""
    trace = folder.with_name(f"{folder.name}.trace")
    tracing = [strace(), "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(trace), *fault]
    ran = subprocess.run([*tracing, sys.executable, "-c", script], cwd=parts.REPO, check=False, capture_output=True, timeout=60)
    assert ran.returncode == ends, ran.stderr.decode()
    return list(calls_of(trace.read_text(), str(folder)))


@dataclass(frozen=True, slots=True)
class Cut:
    """One moment: the last receipt that was shown, the tries that had been refused, and the disk as the cut may leave it."""

    confirmed: int
    refused: frozenset[int]
    files: dict[str, bytes]


def cuts(folder: Path, calls: Sequence[Call | int], chance: random.Random, count: int) -> Iterator[Cut]:
    """Cuts at `count` moments."""
    moments = sorted(chance.choices(range(len(calls)), k=count))
    disk, at, said = Disk(str(folder), chance), 0, [0]
    for moment in moments:
        for call in calls[at : moment + 1]:
            if isinstance(call, int):
                said.append(call)
            else:
                disk.take(call)
        at = moment + 1
        yield Cut(max(said), frozenset(-number for number in said if number < 0), disk.after_a_cut())


def put(files: dict[str, bytes], folder: Path) -> Path:
    """The files in a new folder."""
    folder.mkdir()
    for path, content in files.items():
        (folder / Path(path).name).write_bytes(content)
    return folder
