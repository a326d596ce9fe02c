"""Files that administrators bring: room is looked for before a byte is kept, and what is kept lies in the web daemon's own folder.

The system's folder for temporary files may lie in memory, where a backup would end the daemon.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO, Any

from flask import Request, Response, request
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from web_ui import refusals, show, veiled
from web_ui.house import house

SMALL_BYTES = 512 * 1024  # stays in memory
SPARE_BYTES = 500 * 2**20  # what punches need; below it the disk counts as low
STEP_BYTES = 1 << 20
PHOTOGRAPHS = ("people.enrol", "photographs.bring")  # no byte of one lies readable on a disk


class Upload(Request):
    """A request whose files are kept in the web daemon's own folder, without a name: they are gone with the last who reads them."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> Any:
        if total_content_length is not None and total_content_length <= SMALL_BYTES:
            return io.BytesIO()
        return veiled.new(folder()) if request.endpoint in PHOTOGRAPHS else tempfile.TemporaryFile(dir=folder())


def folder() -> Path:
    """Where large files lie while they are handed on."""
    return house().store.folder


def refused(most: int) -> Response | None:
    """Why this request's body cannot be taken, as a page. It is read to its end and dropped, so that the browser shows the page."""
    length = request.content_length or 0
    if length > most:
        _drop(length)
        return refusals.page(
            413, _("Too large"), _("What was sent is too large. It may have %(most)s.", most=show.readable_bytes(most))
        )
    if length > SMALL_BYTES and shutil.disk_usage(folder()).free < length + SPARE_BYTES:
        _drop(length)
        words = _("The kiosk's disk has no room for this file beside the records to come. Free some, then bring it again.")
        return refusals.page(507, _("No room"), words)
    return None


def _drop(left: int) -> None:
    stream = request.environ["wsgi.input"]
    while left > 0 and (piece := stream.read(min(left, STEP_BYTES))):
        left -= len(piece)


def kept(upload: FileStorage) -> IO[bytes]:
    """The same file for somebody who works on after this request has ended."""
    if isinstance(upload.stream, veiled.Veiled):
        return upload.stream.again()  # type: ignore[return-value]  # it reads, seeks and closes as a file does
    try:
        file: IO[bytes] = os.fdopen(os.dup(upload.stream.fileno()), "rb")
    except io.UnsupportedOperation:  # it lies in memory
        file = io.BytesIO(upload.stream.read())
    file.seek(0)
    return file


def size(file: IO[bytes]) -> int:
    """How many bytes it has; it is read from its beginning afterwards."""
    found = file.seek(0, os.SEEK_END)
    file.seek(0)
    return found
