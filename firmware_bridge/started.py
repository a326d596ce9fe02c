"""Where `daka-lock` begins: without the reference lock's libraries it is one sentence, no traceback."""

from __future__ import annotations

from device import started


def lock() -> None:
    """`daka-lock`."""
    started.begin(
        "firmware_bridge.reference.commands",
        ("device", "firmware_bridge"),
        "daka-lock: the reference lock is not installed here ({name} is missing); pip install '.[kiosk,lock]' in Daka's folder",
    )
