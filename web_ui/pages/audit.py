"""Audit: who changed what, as the journal has it under its chain."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from web_ui import tables, words
from web_ui.house import kiosk
from web_ui.roles import READERS, needs

pages = Blueprint("audit", __name__)

RECORDS = ("seq", "what", "by", "person", "lock")
KINDS = ("audit", "consent", "person", "void", "correction", "dispute", "desired", "erasure", "lock", "time", "boot", "genesis")


@pages.get("/audit")
@needs(READERS)
def page() -> str:
    """The newest first."""
    kind = request.args.get("kind", "")
    table, records = records_of((kind,) if kind in KINDS else KINDS)
    return render_template(
        "audit.html", records=records, table=table, kind=kind, kinds=[one for one in KINDS if one in words.KINDS]
    )


def records_of(kinds: tuple[str, ...], name: str = "") -> tuple[tables.Table, tuple[dict[str, Any], ...]]:
    """Records of the journal as a table of that name, the newest first; its columns are RECORDS."""
    table = tables.asked(RECORDS, "seq", descending=True, name=name)
    wanted: dict[str, str | int] = {"sort": table.sort, "descending": int(table.descending)}
    counted, found = tables.part(table, lambda offset, limit: kiosk().records_page(kinds, **wanted, offset=offset, limit=limit))
    return counted, found.records
