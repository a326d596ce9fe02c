"""Whether a screen is connected, as the kernel says it: /sys/class/drm/CARD-CONNECTOR/status."""

from __future__ import annotations

from pathlib import Path

DRM = Path("/sys/class/drm")
NO_SCREENS = "Writeback"  # pictures back into memory: a Raspberry Pi has such a connector, and its status is always "unknown"


def is_connected(folder: Path = DRM) -> bool:
    """Whether a screen is there for certain."""
    return "connected" in _found(folder)


def is_missing(folder: Path = DRM) -> bool:
    """Whether there are connectors, and nothing at any of them: whatever is started now has nothing to be seen on."""
    return _found(folder) == {"disconnected"}


def _found(folder: Path) -> set[str]:
    return {_status(path) for path in folder.glob("card*-*/status") if NO_SCREENS not in path.parent.name}


def _status(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace").strip()
    except OSError:
        return "unknown"
