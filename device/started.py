"""Where `daka` begins: on a machine with another part of Daka alone a command is one sentence, no traceback."""

from __future__ import annotations

import importlib
import sys


def begin(module: str, ours: tuple[str, ...], missing: str) -> None:
    """`main` of the module. `ours`: packages that are always here; `missing`: what to say, with {name} of the one that is not."""
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ours:
            raise
        sys.exit(missing.format(name=error.name))
    found.main()


def daka() -> None:
    """`daka`."""
    begin(
        "device.commands.main",
        ("device", "models"),
        "daka: the kiosk's part of Daka is not installed here ({name} is missing); on a kiosk: sudo make install, "
        "elsewhere: pip install '.[kiosk]', both in Daka's folder. The server's command is daka-enterprise",
    )
