"""Employee numbers in addresses: any of them can be reached, also those that would be another address."""

from __future__ import annotations

import re

from flask import Blueprint
from werkzeug.routing import BaseConverter

TAKEN = ("new", "import", "photographs")  # pages that lie where a person's would


class Number(BaseConverter):
    """A number as one part of an address. Servers and browsers take %2F, `.` and `..` for their own; ~2F nobody does."""

    def to_python(self, value: str) -> str:
        return re.sub("~([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)

    def to_url(self, value: str) -> str:
        text = re.sub(r"[~/\\]", lambda found: _written(found[0]), value)
        if text in TAKEN or not text.strip("."):
            text = _written(text[:1]) + text[1:] if text else text
        return super().to_url(text)


def known(pages: Blueprint) -> Blueprint:
    """Pages with such addresses."""
    pages.record(lambda state: state.app.url_map.converters.update(number=Number))
    return pages


def _written(one: str) -> str:
    return f"~{ord(one):02X}"
