"""Where the files of the manifest come from: the package registry and https addresses, or a folder that was carried here.

An archive's digest is checked before it is opened, one member is read, nothing of a package is ever run or unpacked to disk.
Never writes a file; used by `daka models fetch` alone.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import pypi_simple
import requests

from models.errors import ModelError
from models.manifest import Archive, Entry, Source

TIMEOUT_S = (10, 60)  # to connect; between two pieces of an answer
PIECE = 64 * 1024
UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, KeyError, EOFError, OSError, NotImplementedError, RuntimeError)


class SourceFailed(ModelError):
    """This one source did not give the file; the next may."""


class Progress(Protocol):
    """Told of each piece: what is being fetched, and how much of it is done (bytes, or steps)."""

    def __call__(self, what: str, done: int, total: int, /) -> None: ...


class Place(Protocol):
    """Something that may have an entry's bytes. Checked by the caller again: a place is never trusted."""

    def tries(self, entry: Entry) -> Iterator[tuple[str, Source | None]]:
        """What can be asked for this entry, each with a name for the reader."""

    def get(self, entry: Entry, source: Source | None) -> bytes:
        """The bytes from that source. Raises SourceFailed."""


def silent(what: str, done: int, total: int, /) -> None:
    """Progress that nobody watches."""


class Network:
    """The registry (through its own client, at `index` where one is named) and https addresses. Each archive is asked for once."""

    def __init__(self, archives: Mapping[str, Archive], index: str = "", progress: Progress = silent) -> None:
        self._archives, self._progress = archives, progress
        self._client = pypi_simple.PyPISimple(index) if index else pypi_simple.PyPISimple()
        self._known: dict[str, bytes | SourceFailed] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.s.close()

    def tries(self, entry: Entry) -> Iterator[tuple[str, Source | None]]:
        """The manifest's sources, in its order."""
        return ((source.origin, source) for source in entry.sources)

    def get(self, entry: Entry, source: Source | None) -> bytes:
        """Raises SourceFailed."""
        if source is None:
            raise SourceFailed("no source is named")
        if not source.member:
            return self._download(entry.file, source.origin, entry.size)
        return unpack(source.archive, self._archive(source.archive), source.member, entry.size)

    def _archive(self, name: str) -> bytes:
        if name not in self._known:
            try:
                self._known[name] = self._verified(name, self._archives[name])
            except SourceFailed as error:
                self._known[name] = error  # asked once: six photographs in one archive do not wait for six time-outs
        known = self._known[name]
        if isinstance(known, SourceFailed):
            raise known
        return known

    def _verified(self, name: str, archive: Archive) -> bytes:
        data = self._download(name, self._address(archive), archive.size)
        check(name, data, archive.sha256)
        return data

    def _address(self, archive: Archive) -> str:
        """Where the registry keeps the archive with this digest."""
        try:
            page = self._client.get_project_page(archive.project, timeout=TIMEOUT_S)
        except pypi_simple.NoSuchProjectError as error:
            raise SourceFailed(f"the package index has no project {archive.project}") from error
        except (requests.RequestException, pypi_simple.UnsupportedRepoVersionError, ValueError) as error:
            raise SourceFailed(f"the package index did not answer ({short(error)})") from error
        for package in page.packages:
            if package.digests.get("sha256") == archive.sha256:
                return package.url
        raise SourceFailed(f"the package index has no file of {archive.pypi} with SHA-256 {archive.sha256}")

    def _download(self, what: str, address: str, size: int) -> bytes:
        """At most `size` bytes: an answer that is longer cannot be the file."""
        data = bytearray()
        try:
            with self._client.s.get(address, stream=True, timeout=TIMEOUT_S) as answer:
                answer.raise_for_status()
                for piece in answer.iter_content(PIECE):
                    data += piece
                    if len(data) > size:
                        raise SourceFailed(f"the answer is longer than the {size} bytes of {what}")
                    self._progress(what, len(data), size)
        except requests.RequestException as error:
            raise SourceFailed(short(error)) from error
        if len(data) < size:
            raise SourceFailed(f"the answer ended after {len(data)} of {size} bytes")
        return bytes(data)


class Folder:
    """A folder, a USB stick: holds the files themselves, or the packages' archives under their own names."""

    def __init__(self, folder: Path, archives: Mapping[str, Archive]) -> None:
        self._folder, self._archives = folder, archives

    def tries(self, entry: Entry) -> Iterator[tuple[str, Source | None]]:
        """The file itself, then the archives that hold it."""
        yield str(self._folder / entry.file), None
        for source in entry.sources:
            if source.member:
                yield str(self._folder / source.archive), source

    def get(self, entry: Entry, source: Source | None) -> bytes:
        """Raises SourceFailed."""
        if source is None:
            return self._read(entry.file, entry.size)
        archive = self._archives[source.archive]
        data = self._read(source.archive, archive.size)
        check(source.archive, data, archive.sha256)
        return unpack(source.archive, data, source.member, entry.size)

    def _read(self, name: str, size: int) -> bytes:
        try:
            with (self._folder / name).open("rb") as file:
                data = file.read(size + 1)
        except OSError as error:
            raise SourceFailed(str(error.strerror)) from error
        if len(data) != size:
            raise SourceFailed(f"it has {'more than ' if len(data) > size else ''}{min(len(data), size)} bytes instead of {size}")
        return data


def check(name: str, data: bytes, sha256: str) -> None:
    """Raises SourceFailed unless `data` has this SHA-256."""
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise SourceFailed(f"{name} has SHA-256 {found}, not {sha256}; nothing of it was opened")


def unpack(name: str, data: bytes, member: str, size: int) -> bytes:
    """One member of an archive (wheel, zip or tar.gz, by its name) whose digest was checked. Raises SourceFailed."""
    try:
        found = _from_zip(data, member, size) if name.endswith((".whl", ".zip")) else _from_tar(data, member, size)
    except UNREADABLE as error:
        raise SourceFailed(f"{name} has no readable member {member}") from error
    if len(found) != size:
        raise SourceFailed(f"{member} in {name} does not have the {size} bytes that it should have")
    return found


def _from_zip(data: bytes, member: str, size: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(member) as file:
        return file.read(size + 1)


def _from_tar(data: bytes, member: str, size: int) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        file = archive.extractfile(archive.getmember(member))
        return b"" if file is None else file.read(size + 1)


def short(error: Exception) -> str:
    """One line, and without the name and password that an index's address may carry."""
    return re.sub(r"//[^/@\s]+@", "//", " ".join(str(error).split()))[:200] or type(error).__name__
