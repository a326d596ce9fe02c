"""Where and with what an evaluation was made: said by the caller, printed on the page and in the JSON. No folder, no host name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class About:
    """`at`: aware, UTC, by a clock whose quality is `clock`. `digests`: SHA-256 of the published weights by name.

    `options`: what the caller chose, by the name that it has on the command line.
    """

    title: str
    at: datetime
    clock: str
    machine: str
    versions: Mapping[str, str]
    digests: Mapping[str, str]
    options: Mapping[str, str]
