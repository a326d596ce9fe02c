"""docs/operations.md explains every alarm that the kiosk and the enterprise know, and names the appliance's real paths."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from device.commands.main import APPLIANCE
from enterprise import lock_log
from enterprise.outcome import Verdict
from web_ui import words

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
SETTLED_BY_ITSELF = {Verdict.STORED, Verdict.DUPLICATE, Verdict.GREETED, Verdict.HEARD, Verdict.HOLE}
TELL_OF_A_HELLO = ("_complaints", "heard")  # they return what gives rise to an alarm, its kind first


def explained(heading: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    section = PAGE.partition(f"\n### {heading}\n")[2]
    rows = re.search(r"\n\| alarm \|.*?\n\n", section, re.DOTALL)
    assert rows is not None
    return {name for row in rows[0].strip().splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def raised() -> Iterator[str]:
    """Every kind of alarm that is written out in the enterprise's code."""
    for path in (REPOSITORY / "enterprise").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "").endswith(("alarm", "news")):
                texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                yield from (text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)*", text))
            if isinstance(node, ast.FunctionDef) and node.name in TELL_OF_A_HELLO:
                pairs = [one.elts[0] for one in ast.walk(node) if isinstance(one, ast.Tuple) and len(one.elts) > 1]
                yield from (str(one.value) for one in pairs if isinstance(one, ast.Constant))
    yield from set(Verdict) - SETTLED_BY_ITSELF
    yield from (f"lock_{kind.name.lower()}" for kind in lock_log.TOLD)


def test_every_alarm_of_the_enterprise_is_explained() -> None:
    found = set(raised())
    assert {"fork", "gap", "tail_cut", "desired_ahead", "lock_unapproved", "lock_drop", "key_replaced", "parked"} <= found
    assert explained("Alarms of the enterprise") == found


def test_every_alarm_of_the_kiosk_is_explained() -> None:
    code = (REPOSITORY / "device" / "vitals.py").read_text("utf-8")
    assert explained("Health") == set(words.ALARMS) == set(re.findall(r'named\(\s*"(\w+)"', code))


def test_the_files_of_an_appliance_lie_where_the_page_says() -> None:
    units = REPOSITORY / "systemd" / "units"
    assert f"`{APPLIANCE.page_address}`" in PAGE
    for daemon in ("web", "bridge"):
        (root,) = re.findall(r"^Environment=DAKA_STATE=(\S+)", (units / f"daka-{daemon}.service").read_text("utf-8"), re.MULTILINE)
        assert f"`{root}/{daemon}/`" in PAGE
