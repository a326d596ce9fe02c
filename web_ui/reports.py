"""Evaluation reports that an auditor has brought: kept as they came, shown without letting anything in them act."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from web_ui.store import Store, now, written

MOST_BYTES = 8 * 1024 * 1024
MOST_REPORTS = 20
KINDS = {".html": "html", ".json": "json"}
# Styles and drawings of the page itself; no script, no picture, no form, no other address, and an origin of its own (a sandbox).
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"


class ReportRefused(Exception):
    """It is no report; the message says why, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Report:
    """One of them, without its content."""

    id: int
    name: str
    kind: str
    at: str
    by: str
    size: int


def keep(store: Store, name: str, content: bytes, by: str) -> None:
    """Keep it; ReportRefused if it cannot be one. The oldest goes when there are too many."""
    kind = KINDS.get(name[name.rfind(".") :].lower() if "." in name else "")
    if kind is None:
        raise ReportRefused(_("A report is a page (.html) or a document (.json), as daka evaluate writes them."))
    if not 0 < len(content) <= MOST_BYTES:
        raise ReportRefused(_("A report has at most 8 MB, and something in it."))
    if kind == "json" and not isinstance(_parsed(content), dict):
        raise ReportRefused(_("This is not JSON as daka evaluate writes it."))
    if kind == "html" and not content.lstrip()[:15].lower().startswith(b"<!doctype html"):
        raise ReportRefused(_("This is not a page as daka evaluate writes it."))
    with store.transaction() as connection:
        row = (name.rpartition("/")[2][:100], kind, written(now()), by, content)
        connection.execute("INSERT INTO report (name, kind, at, by, content) VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("DELETE FROM report WHERE id NOT IN (SELECT id FROM report ORDER BY id DESC LIMIT ?)", (MOST_REPORTS,))


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def listed(store: Store) -> list[Report]:
    """All of them, newest first."""
    rows = store.rows("SELECT id, name, kind, at, by, length(content) AS size FROM report ORDER BY id DESC")
    return [Report(row["id"], row["name"], row["kind"], row["at"], row["by"], row["size"]) for row in rows]


def content(store: Store, number: int) -> tuple[Report, bytes] | None:
    """One of them, whole; None if there is none."""
    row = store.row("SELECT *, length(content) AS size FROM report WHERE id = ?", number)
    if row is None:
        return None
    return Report(row["id"], row["name"], row["kind"], row["at"], row["by"], row["size"]), bytes(row["content"])


def remove(store: Store, number: int) -> None:
    """It is kept no more."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM report WHERE id = ?", (number,))


def figures(found: bytes) -> list[tuple[str, str]]:
    """The plain facts of a JSON report, two levels deep, for a table; whoever wants all of it downloads it."""
    document = _parsed(found)
    plain: list[tuple[str, str]] = []
    for name, value in document.items() if isinstance(document, dict) else ():
        inner = value.items() if isinstance(value, dict) else ((None, value),)
        for key, one in inner:
            if isinstance(one, str | int | float | bool):
                plain.append((f"{name}.{key}" if key else str(name), str(one)[:200]))
    return plain[:60]
