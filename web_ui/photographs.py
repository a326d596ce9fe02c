"""A ZIP of photographs and a table that says whose they are: read with care, handed to the kiosk person by person, and dropped.

No picture is decoded here, and nothing is unpacked onto a disk: a name in the archive is a name and never a path.
"""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from device.api import KioskAway, KioskRefused, WebClient
from web_ui.jobs import Job

COLUMNS = ("number", "photograph")
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
MOST_PICTURE_BYTES = 16 * 1024 * 1024
MOST_OF_A_PERSON_BYTES = 30 * 1024 * 1024  # what the kiosk takes in one question, with room for its frame
MOST_TABLE_BYTES = 4 * 1024 * 1024
MOST_ARCHIVE_BYTES = 512 * 1024 * 1024
MOST_UNPACKED_BYTES = 2 * MOST_ARCHIVE_BYTES  # pictures hardly shrink: an archive that claims more is none of pictures
MOST_FILES = 2_000
MOST_DIRECTORY_BYTES = 2 * 1024 * 1024  # of names in the archive; zipfile would read any number of them into memory
MOST_LETTERS = 200
ENCODINGS = {"gb18030": ("gb18030",), "big5": ("cp950", "big5hkscs")}  # by what people call it: Windows has a Big5 of its own
KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED, UTF8 = 0x1, 0x800  # bits of an entry's flags (PKWARE APPNOTE 4.4.4)
LEFT_BY_SYSTEMS = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


class ArchiveRefused(Exception):
    """It cannot be used; the message says why, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Sitter:
    """Somebody in the table: their pictures, or `why` they are refused before anybody looks."""

    number: str
    line: int
    pictures: tuple[zipfile.ZipInfo, ...] = ()
    why: Any = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one person, or would: so many `templates`; or `why` not, or the kiosk's own no (`refused`)."""

    number: str
    line: int
    pictures: int
    templates: int = 0
    why: Any = ""
    refused: KioskRefused | None = None

    @property
    def is_good(self) -> bool:
        return not self.why and self.refused is None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of everybody in the table; `unnamed` files of the archive are nobody's, and were not looked at."""

    outcomes: tuple[Outcome, ...]
    unnamed: int
    enrolled: bool

    @property
    def good(self) -> int:
        return sum(one.is_good for one in self.outcomes)

    def ordered(self) -> list[Outcome]:
        """The refused first."""
        return sorted(self.outcomes, key=lambda one: one.is_good)


class Bounded:
    """The archive as zipfile may read it: never more at once than a directory of many names is long."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        """As the file reads; BadZipFile where more is wanted than any honest archive needs."""
        if size > MOST_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("too much at once")
        return self._file.read(size if size >= 0 else MOST_DIRECTORY_BYTES)

    def seekable(self) -> bool:
        """It is."""
        return True


class Album:
    """An archive with its table; whoever has it closes it."""

    def __init__(self, archive: zipfile.ZipFile, sitters: tuple[Sitter, ...], unnamed: int, file: IO[bytes]) -> None:
        self._archive, self.sitters, self.unnamed, self._file = archive, sitters, unnamed, file

    def pictures(self, sitter: Sitter) -> tuple[bytes, ...]:
        """Their photographs as they are; ArchiveRefused where the archive is damaged there."""
        return tuple(read(self._archive, info, MOST_PICTURE_BYTES) for info in sitter.pictures)

    def close(self) -> None:
        """The photographs are gone."""
        self._archive.close()
        self._file.close()


def opened(file: IO[bytes], table: bytes, encoding: str = "gb18030") -> Album:
    """The album; `table` is empty where it lies in the archive, `encoding` how it is written if not in UTF-8.

    ArchiveRefused says what is wrong with the whole of it.
    """
    archive, files = _archive(file)
    place = PurePosixPath()
    if not table:
        tables = [name for name in files if name.lower().endswith(".csv")]
        if len(tables) != 1:
            raise ArchiveRefused(_("Put one CSV file into the ZIP, or choose it beside; the ZIP has %(count)s.", count=len(tables)))
        place, table = PurePosixPath(tables[0]).parent, read(archive, files.pop(tables[0]), MOST_TABLE_BYTES)
    sitters = tuple(_sitters(table, encoding, files, place))
    named = sum(len(sitter.pictures) for sitter in sitters)
    return Album(archive, sitters, len({id(info) for info in files.values()}) - named, file)


def _archive(file: IO[bytes]) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """The archive and its files by every name that they may be meant by."""
    try:
        archive = zipfile.ZipFile(Bounded(file))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise ArchiveRefused(_("This is no ZIP file, or a damaged one, or has too many names in it; make it anew.")) from error
    infos = [info for info in archive.infolist() if not info.is_dir() and not _is_left_by_a_system(info.filename)]
    if len(infos) > MOST_FILES:
        raise ArchiveRefused(_("The ZIP has more than %(most)s files; split it.", most=MOST_FILES))
    if sum(info.file_size for info in infos) > MOST_UNPACKED_BYTES:
        raise ArchiveRefused(_("The ZIP would unpack to more than %(most)s MB; split it.", most=MOST_UNPACKED_BYTES >> 20))
    if any(info.flag_bits & ENCRYPTED for info in infos):
        raise ArchiveRefused(_("The ZIP is locked with a password; make one without."))
    return archive, {name: info for info in reversed(infos) for name in _names(info)}


def _is_left_by_a_system(name: str) -> bool:
    parts = name.split("/")
    return parts[0] in LEFT_BY_SYSTEMS or parts[-1] in LEFT_BY_SYSTEMS or parts[-1].startswith("._")


def _names(info: zipfile.ZipInfo) -> Iterator[str]:
    """As it is written, and as a Chinese Windows may have meant it: it marks neither GBK nor Big5."""
    yield unicodedata.normalize("NFC", info.filename)
    if not info.flag_bits & UTF8 and not info.filename.isascii():
        raw = info.filename.encode("cp437", "replace")
        for encoding in ("gb18030", "big5"):
            yield raw.decode(encoding, "replace")


def read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """One file of the archive, of at most so many bytes, whatever its head claims; ArchiveRefused otherwise."""
    if info.compress_type not in KINDS:
        raise ArchiveRefused(_l("it is compressed in an unusual way; make the ZIP with the system's own tool"))
    pieces, left = [], most + 1
    try:
        with archive.open(info) as file:
            while left > 0 and (piece := file.read(min(left, 1 << 16))):
                pieces.append(piece)
                left -= len(piece)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError, RuntimeError, zlib.error) as error:
        raise ArchiveRefused(_l("it is damaged in the ZIP; make the ZIP anew")) from error
    if left <= 0:
        raise ArchiveRefused(_l("it has more than %(most)s MB; make it smaller", most=most >> 20))
    return b"".join(pieces)


def _sitters(table: bytes, encoding: str, files: dict[str, zipfile.ZipInfo], place: PurePosixPath) -> Iterator[Sitter]:
    """Everybody in the table, in its order, each with all of their pictures or with the first thing that is wrong."""
    found: dict[str, list[tuple[int, str]]] = {}
    for line, number, name in rows(decoded(table, MOST_TABLE_BYTES, encoding)):
        found.setdefault(number, []).append((line, name))
    taken: dict[int, str] = {}
    for number, lines in found.items():
        yield _sitter(number, lines, files, place, taken)


def _sitter(
    number: str, lines: list[tuple[int, str]], files: dict[str, zipfile.ZipInfo], place: PurePosixPath, taken: dict[int, str]
) -> Sitter:
    infos = []
    for line, name in lines:
        info = files.get(unicodedata.normalize("NFC", str(place / name)))
        why = _complaint(number, name, info, taken)
        if info is None or why:
            return Sitter(number, line, why=why)
        taken[id(info)] = number
        infos.append(info)
    if sum(info.file_size for info in infos) > MOST_OF_A_PERSON_BYTES:
        most = MOST_OF_A_PERSON_BYTES >> 20
        return Sitter(number, lines[0][0], why=_l("the photographs of one person may have %(most)s MB together", most=most))
    return Sitter(number, lines[0][0], tuple(infos))


def _complaint(number: str, name: str, info: zipfile.ZipInfo | None, taken: dict[int, str]) -> Any:
    """What is wrong with a line, in words; "" for nothing."""
    if not number or not name:
        return _l("both number and photograph are needed")
    if "\\" in name or name[1:2] == ":" or name.startswith("/") or ".." in name.split("/"):
        return _l("%(name)s is no name of a file in the ZIP: write it as it stands there", name=name)
    if info is None:
        return _l("%(name)s does not lie in the ZIP", name=name)
    if id(info) in taken:
        return _l("%(name)s stands in the table twice", name=name)
    if info.file_size > MOST_PICTURE_BYTES:
        return _l("%(name)s has more than %(most)s MB; make it smaller", name=name, most=MOST_PICTURE_BYTES >> 20)
    return ""


def rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, number and photograph of each row; ArchiveRefused where the table is none."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if not reader.fieldnames or not set(COLUMNS) <= {name.strip() for name in reader.fieldnames}:
            raise ArchiveRefused(_("The table needs the columns number and photograph in its first line."))
        reader.fieldnames = [name.strip() for name in reader.fieldnames]
        count = 0
        for count, row in enumerate(reader, start=1):
            if count > MOST_FILES:
                raise ArchiveRefused(_("The table has more than %(most)s lines; split it.", most=MOST_FILES))
            yield reader.line_num, *((row[column] or "").strip()[:MOST_LETTERS] for column in COLUMNS)  # type: ignore[misc]
        if not count:
            raise ArchiveRefused(_("The table names nobody."))
    except csv.Error as error:
        raise ArchiveRefused(_("The table is no CSV file; save it as CSV with commas, UTF-8.")) from error


def decoded(data: bytes, most: int, other: str) -> str:
    """A CSV file's text: UTF-8, or the other one of ENCODINGS that whoever brings it names; ArchiveRefused otherwise."""
    if not data or len(data) > most:
        raise ArchiveRefused(_("Choose a CSV file of at most 4 MB."))
    for encoding in ("utf-8-sig", *ENCODINGS.get(other, ())):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ArchiveRefused(_("This file is neither UTF-8 nor what is chosen below; save it as CSV in UTF-8."))


def shown_to(kiosk: WebClient, album: Album, by: str, job: Job, *, keep: bool) -> Report:
    """Everybody's photographs go to the kiosk, one person after the other: looked at alone, or (`keep`) each made into templates.

    A refusal stops nobody else. Where the kiosk goes away, what is done is done and the rest is said to be open.
    """
    job.doing, job.total = "photographs", len(album.sitters)
    outcomes: list[Outcome] = []
    is_away = False
    for sitter in album.sitters:
        try:
            outcomes.append(_open(sitter) if is_away else _one(kiosk, album, sitter, by, keep=keep))
        except KioskAway:
            is_away = True
            outcomes.append(_open(sitter))
        job.done += 1
    return Report(tuple(outcomes), album.unnamed, keep)


def _open(sitter: Sitter) -> Outcome:
    why = sitter.why or _l("the kiosk went away before; bring these photographs again")
    return Outcome(sitter.number, sitter.line, len(sitter.pictures), why=why)


def _one(kiosk: WebClient, album: Album, sitter: Sitter, by: str, *, keep: bool) -> Outcome:
    told = sitter.number, sitter.line, len(sitter.pictures)
    if sitter.why:
        return Outcome(*told, why=sitter.why)
    try:
        pictures = album.pictures(sitter)
        if not all(picture.startswith(PICTURES) for picture in pictures):
            return Outcome(*told, why=_l("one of the photographs is neither a JPEG nor a PNG; convert it to one of them"))
        done = kiosk.enrol_several(sitter.number, pictures, by) if keep else kiosk.look_at(sitter.number, pictures, by)
    except ArchiveRefused as refused:
        return Outcome(*told, why=refused.args[0])
    except KioskRefused as no:
        return Outcome(*told, refused=no)
    return Outcome(*told, templates=done.templates)
