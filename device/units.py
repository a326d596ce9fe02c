"""What an appliance's systemd runs of Daka, and whom it lets the uplink reach: asked, never changed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from device import config, outlet, state
from device.findings import Finding, Verdict

TARGET, DISPLAY = "daka.target", "daka-display.service"
ASKED = ("Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "ConditionResult")
SCREEN_WANTS = "for a screen: apt install cage chromium seatd fonts-noto-cjk"
SET_BROKER = "sudo daka set-broker; systemctl status daka-outlet.service says why it was not done by itself"

Unit = dict[str, str]


def findings(folder: state.Folder) -> tuple[Finding, ...]:
    """One for each unit that does not do what an appliance wants of it; a single good one where all do."""
    if folder.layer is None:
        return ()
    wanted = _shown((TARGET,), ("Wants",))
    if not wanted:
        return (Finding("units", Verdict.NOTE, "systemd does not answer", "sudo daka doctor"),)
    found = tuple(_bad(_shown((TARGET, *wanted[0].get("Wants", "").split()), ASKED)))
    return found or (Finding("units", Verdict.GOOD, "systemd runs all that this kiosk needs, and starts it with the machine"),)


def _bad(units: Sequence[Unit]) -> Iterator[Finding]:
    for unit in sorted(units, key=lambda one: one["Id"] != TARGET):
        name = unit["Id"]
        if wrong := _wrong(unit):
            yield Finding("units", *wrong)
        if name == TARGET and unit["UnitFileState"] == "disabled":
            yield Finding("units", Verdict.BAD, "this kiosk does not start with the machine", f"sudo systemctl enable {name}")
        if name == TARGET and wrong:
            return  # what it wants need not run without it


def _wrong(unit: Unit) -> tuple[Verdict, str, str] | None:
    name, active = unit["Id"], unit["ActiveState"]
    if unit["LoadState"] == "masked":
        return Verdict.BAD, f"{name} is masked: nothing starts it", f"sudo systemctl unmask {name}; sudo systemctl start {name}"
    if unit["LoadState"] != "loaded":
        return Verdict.BAD, f"{name}: {unit['LoadState']}", "install this version again; systemctl status says more"
    if active == "failed" or unit["SubState"] == "auto-restart":
        return Verdict.BAD, f"{name} fails again and again", f"journalctl -u {name} says why"
    if active != "inactive":
        return None
    if unit["ConditionResult"] == "no":
        remedy = SCREEN_WANTS if name == DISPLAY else f"systemctl status {name} says which"
        return Verdict.NOTE, f"{name} does not run: a condition of its own is not met", remedy
    return Verdict.BAD, f"{name} does not run", f"sudo systemctl start {name}"


def _shown(names: Sequence[str], properties: Sequence[str]) -> list[Unit]:
    """What systemd says of each; nothing where it cannot be asked."""
    asked = ("systemctl", "show", f"--property={','.join(properties)}", *names)
    text = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return [dict(row.split("=", 1) for row in block.splitlines()) for block in text.split("\n\n") if block.strip()]


def reachable(chosen: config.Uplink, folder: state.Folder) -> Finding | None:
    """What is wrong with whom the uplink may reach. No other program of this machine is kept from anybody, so none can try it."""
    if folder.layer is None:
        return None
    wanted = {host.lower() for host in (chosen.host, urlsplit(chosen.renew_url).hostname) if host}
    allowed = outlet.allowed(outlet.DROP_IN)
    if allowed is None:
        return Finding("uplink", Verdict.BAD, f"it may reach nobody: {outlet.DROP_IN} is missing", SET_BROKER)
    if missing := wanted - {host.lower() for host in allowed}:
        names = ", ".join(sorted(missing))
        return Finding("uplink", Verdict.BAD, f"it may not reach {names}, only {', '.join(allowed) or 'nobody'}", SET_BROKER)
    return None
