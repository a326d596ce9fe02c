"""The privacy map names tests that exist, and counts what is open."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROMISES = (
    "No image leaves",
    "No image is kept",
    "Consent first",
    "Refusal costs nothing",
    "Withdrawal and erasure",
    "Retention",
    "Encryption in transit",
    "Encryption at rest",
    "No third parties",
)


def rows() -> list[tuple[str, str]]:
    """(clause, shown by) of every row, headings included."""
    lines = (REPOSITORY / "docs" / "privacy-map.md").read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [(row[0], row[1]) for row in cells if row[0] != "clause"]


def clauses() -> list[tuple[str, str]]:
    return [(clause, shown) for clause, shown in rows() if not clause.startswith("**")]


@functools.cache
def names_in(path: Path) -> frozenset[str]:
    return frozenset(node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef))


def test_every_promise_has_clauses_under_it() -> None:
    found = rows()
    headings = [index for index, (clause, _) in enumerate(found) if clause.startswith("**")]
    named = {found[index][0].strip("*") for index in headings if not found[index + 1][0].startswith("**")}
    assert set(PROMISES) <= named


def test_every_clause_is_either_open_with_its_reason_or_shown_by_tests_that_exist() -> None:
    for clause, shown in clauses():
        if shown.startswith("open: "):
            assert len(shown) > len("open: comes"), clause
            continue
        assert shown, clause
        for reference in shown.split():
            path, name = reference.split("::")
            assert name in names_in(REPOSITORY / path), f"{clause}: {reference} does not exist"


def test_the_number_of_open_clauses_is_the_one_that_the_page_states() -> None:
    text = (REPOSITORY / "docs" / "privacy-map.md").read_text("utf-8")
    stated = re.search(r"^Open clauses: (\d+)$", text, re.MULTILINE)
    assert stated is not None
    assert int(stated[1]) == len([shown for _, shown in clauses() if shown.startswith("open: ")])
