"""Records that were carried here in a file: verified and taken exactly once, as if they had come from the broker.

One batch a line, in the form in which it travels. A line is stored whole or not at all, and what is not taken is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from device import messages
from device.messages.wire import MAX_MESSAGE_BYTES
from enterprise.errors import EnterpriseError
from enterprise.ingest import Ingester
from enterprise.outcome import Outcome, Verdict

TAKEN = frozenset({Verdict.STORED, Verdict.DUPLICATE})
MOST_NAMED = 20
SOURCE = "/att/v1/"
OTHER_FILE = "this is no line of a file that daka export has written, so it is not looked at"


class ImportRefused(EnterpriseError):
    """The file cannot be read at all."""


@dataclass(slots=True)
class Report:
    """What became of a file; `answers` are the last signed acknowledgements by device."""

    stored: int = 0
    duplicates: int = 0
    parked: int = 0
    refused: list[str] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    answers: dict[str, bytes] = field(default_factory=dict)

    def refuse(self, line: int, why: str) -> None:
        """One line that is not taken."""
        if len(self.refused) < MOST_NAMED:
            self.refused.append(f"line {line}: {why}")

    def note(self, line: int, outcome: Outcome) -> None:
        """One line's outcome."""
        self.verdicts[outcome.verdict] += 1
        self.stored += outcome.stored
        self.duplicates += outcome.duplicates
        self.parked += outcome.parked
        if outcome.answer is not None:
            self.answers[outcome.device] = outcome.answer
        if outcome.verdict not in TAKEN:
            self.refuse(line, f"{outcome.verdict}: {outcome.detail}")


def take(ingester: Ingester, file: Path) -> Report:
    """Every line of the file; StoreAway where the database does not take records now: run it again, nothing is doubled.

    What is not even an envelope is somebody's wrong file, and no alarm.
    """
    report = Report()
    for number, line in enumerate(_lines(file), start=1):
        if device := _device(line):
            report.note(number, ingester.take(device, line))
        else:
            report.refuse(number, OTHER_FILE)
    return report


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as lines:
            while line := lines.readline(MAX_MESSAGE_BYTES + 2):
                if line.strip():
                    yield line.rstrip(b"\r\n")
    except OSError as error:
        raise ImportRefused(f"{file} cannot be read ({error.strerror}); check the stick and the file's name") from error


def _device(line: bytes) -> str:
    """Whose batch it says it is, empty if it is none; the ingester believes only the signature."""
    try:
        source = messages.parse(line)["source"]
    except (messages.MessageError, KeyError, TypeError, IndexError):
        return ""
    return source.removeprefix(SOURCE) if isinstance(source, str) and source.startswith(SOURCE) else ""
