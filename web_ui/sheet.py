"""A spreadsheet. Loaded only when somebody asks for one: openpyxl brings numpy and Pillow with it, 20 MB and more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from web_ui.export import FORMULA

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # one of these, and no program opens the whole file


class Sheet:
    """One sheet, its first line fixed; texts are texts, whatever they begin with."""

    def __init__(self, heads: Iterable[str], widths: Iterable[int]) -> None:
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Daka")
        self._sheet.freeze_panes = "A2"
        for place, width in enumerate(widths, start=1):
            self._sheet.column_dimensions[get_column_letter(place)].width = width
        self._sheet.append([self._bold(head) for head in heads])

    def append(self, cells: Iterable[str | int]) -> None:
        self._sheet.append([self._text(cell) for cell in cells])

    def save(self, path: Path) -> None:
        self._book.save(path)

    def _bold(self, head: str) -> Any:
        cell = WriteOnlyCell(self._sheet, value=head)
        cell.font = Font(bold=True)
        return cell

    def _text(self, value: str | int) -> Any:
        if not isinstance(value, str):
            return value
        value = NO_XML.sub("\ufffd", value)
        if not value.startswith(FORMULA):
            return value
        cell = WriteOnlyCell(self._sheet, value=value)
        cell.data_type = "s"
        return cell
