"""Names of kiosks, and those that no kiosk may have because topics and rights are built from names."""

from __future__ import annotations

import re

PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")  # as in the published record schema
INGESTER = re.compile(r"ingest(-[0-9]{1,3})?")
SERVER = "server"  # a kiosk of this name could write att/v1/server/state
INGEST = "ingest"  # the ingester's own name at the broker


def is_device(name: str) -> bool:
    """Whether a kiosk may have this name."""
    return PATTERN.fullmatch(name) is not None and name != SERVER and not is_ingester(name)


def is_ingester(name: str) -> bool:
    """Whether this is the name of an ingester at the broker."""
    return INGESTER.fullmatch(name) is not None


def shown(name: str) -> str:
    """A name that came from outside, as it may stand in a table or a log."""
    return name if PATTERN.fullmatch(name) else "(not a name)"
