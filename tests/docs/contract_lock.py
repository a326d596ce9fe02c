"""The tables of docs/contract-lock.md, made from the code: `python -m tests.docs.contract_lock` writes them anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.messages import lock as papers
from device.messages.lock import EventKind, fields
from device.sentences import ENGLISH
from firmware_bridge import profile
from firmware_bridge.protocol import commands, machine

PAGE = Path(__file__).resolve().parents[2] / "docs" / "contract-lock.md"
PAPERS: tuple[type[papers.papers.Paper], ...] = (
    papers.Grant, papers.Enrolment, papers.Statement, papers.Use, papers.Event, papers.Head,
)  # fmt: skip
FENCE = "```"


def kind_of(field: dataclasses.Field[Any]) -> str:
    """In CDDL (RFC 8610)."""
    match field.metadata["kind"]:
        case fields.Octets(least, most):
            return f"bstr .size {least}" if least == most else f"bstr .size ({least}..{most})"
        case fields.Words(most, pattern):
            return f"tstr, at most {most} bytes" + ("" if pattern == fields.Words(1).pattern else f", `{pattern}`")
        case fields.Number(most, least):
            return f"uint {least}..{most}"
        case fields.ManyOctets(most):
            return f"at most {most} bstr"
        case _:
            return "bool"


def table(kind: type[Any]) -> list[str]:
    """One row a field."""
    rows = []
    for field in dataclasses.fields(kind):
        absent = "" if field.default is dataclasses.MISSING else "; absent when empty, zero or false"
        text = kind_of(field).replace("|", "\\|")
        rows.append(f"| {field.metadata['key']} | {field.name} | {text}{absent} |")
    return ["| key | field | value |", "|---|---|---|", *rows]


def gatt() -> str:
    rows = (
        ("service", profile.SERVICE, "primary", "in the advertisement"),
        ("information", profile.INFORMATION, "read", "open: one byte of version, then the maker's text"),
        ("to lock", profile.TO_LOCK, "write, with and without response", "encrypted, MITM-authenticated link"),
        ("from lock", profile.FROM_LOCK, "notify", "subscribed on such a link"),
    )
    return "\n".join(["| what | UUID | use | security |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])


def signed() -> str:
    parts: list[str] = []
    for kind in PAPERS:
        parts += [f"### {kind.__name__}", "", f"external_aad `{kind.CONTEXT.decode()}`", "", *table(kind), ""]
    return "\n".join(parts).rstrip()


def said() -> str:
    parts: list[str] = []
    for number, kind in (commands.QUESTIONS | commands.ANSWERS).items():
        about = " ".join((kind.__doc__ or "").split())
        rows = table(kind) if dataclasses.fields(kind) else ["The map is empty."]
        parts += [f"### {number} {kind.__name__}", "", about, "", *rows, ""]
    return "\n".join(parts).rstrip()


def numbers() -> str:
    kinds = ", ".join(f"{kind.value} {kind.name.lower()}" for kind in EventKind)
    results = ", ".join(f"{result.value} {result.name.lower()}" for result in commands.Result)
    times = ", ".join(f"{time.value} {time.name.lower()}" for time in commands.Time)
    factors = ", ".join(f"{factor.value} {factor.name.lower()}" for factor in papers.Factor if factor.name)
    return f"- events: {kinds}\n- results: {results}\n- time: {times}\n- factors, added up: {factors}"


def words() -> str:
    return "\n".join(
        ["| word | meaning |", "|---|---|", *(f"| `{why}` | {ENGLISH[f'lock.no.{why}']} |" for why in sorted(commands.WHY))]
    )


def states() -> str:
    return f"{FENCE}mermaid\n{machine.diagram()}\n{FENCE}"


MADE: dict[str, Callable[[], str]] = {
    "gatt": gatt, "papers": signed, "messages": said, "numbers": numbers, "words": words, "states": states,
}  # fmt: skip


def filled(text: str) -> str:
    """The page with every made part as the code says."""
    for name, make in MADE.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
