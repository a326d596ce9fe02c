"""Where `daka-lock` begins: without the reference lock's libraries it is one sentence, no traceback."""

from __future__ import annotations

import importlib
import sys

OURS = ("device", "firmware_bridge")


def lock() -> None:
    """`daka-lock`."""
    try:
        found = importlib.import_module("firmware_bridge.reference.commands")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OURS:
            raise
        sys.exit(
            f"daka-lock: the reference lock is not installed here ({error.name} is missing); "
            "pip install '.[kiosk,lock]' in Daka's folder"
        )
    found.main()
