"""Where `daka` begins: on a machine with another part of Daka alone it is one sentence, no traceback."""

from __future__ import annotations

import importlib
import sys

OURS = ("device", "models")


def daka() -> None:
    """`daka`."""
    try:
        found = importlib.import_module("device.commands.main")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OURS:
            raise
        sys.exit(
            f"daka: the kiosk's part of Daka is not installed here ({error.name} is missing); on a kiosk: sudo make install, "
            "elsewhere: pip install '.[kiosk]', both in Daka's folder. The server's command is daka-enterprise"
        )
    found.main()
