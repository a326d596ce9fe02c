"""docs/asvs.md names tests that exist and leaves out nothing that levels 1 and 2 ask for."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "asvs.md").read_text("utf-8")
# How many requirements of levels 1 and 2 each section has; they come first in it.
SECTIONS = {
    "6.1": 3, "6.2": 11, "6.3": 3, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2,
    "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "12.1": 3, "12.2": 2, "12.3": 4, "14.1": 2, "14.2": 4, "14.3": 3,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip


def test_no_requirement_is_left_out_or_without_an_answer() -> None:
    rows = dict(re.findall(r"^\| (\d+\.\d+\.\d+) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    asked = {f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)}
    assert set(rows) == asked
    assert all(answer.strip() for answer in rows.values())


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", PAGE))
    assert len(named) > 40
    for path, name in named:
        file = REPOSITORY / path
        assert file.exists(), path
        assert not name or f"def {name}(" in file.read_text("utf-8"), f"{path}::{name}"
