"""Which USB devices this kiosk lets in: what an administrator has enrolled. Everything else stays without power to act.

A badge reader types, and so does whatever a stranger plugs in, and a hub may, too. The kernel knows `authorized`; udev's rules,
written here, set it. Off until somebody locks, so that an installer's keyboard is not shut out unawares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from device.errors import DeviceError

BUS = Path("/sys/bus/usb/devices")
ALLOWED = Path("/etc/daka/usb.json")
RULES = Path("/etc/udev/rules.d/71-daka-usb.rules")
HUB = "09"  # bDeviceClass, USB 2.0 table 11-15
PLAIN = re.compile(r"[A-Za-z0-9 ._:-]")


class UsbError(DeviceError):
    """The devices cannot be read or decided; the message says why and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Device:
    """One USB device as it names itself. `vendor` and `product`: four hex digits; `serial`: empty where it has none."""

    vendor: str
    product: str
    serial: str
    name: str

    @property
    def mark(self) -> str:
        """What it is recognised by."""
        return f"{self.vendor}:{self.product}" + (f":{self.serial}" if self.serial else "")


@dataclass(frozen=True, slots=True)
class Plugged:
    """A device that is there now."""

    device: Device
    is_authorised: bool
    at: Path
    is_hub: bool = False


def plugged(bus: Path = BUS) -> tuple[Plugged, ...]:
    """Every device on the bus, hubs among them, but the machine's own root hubs."""
    found = []
    for place in sorted(bus.glob("[0-9]*-*")) if bus.is_dir() else ():
        vendor, product = _read(place / "idVendor"), _read(place / "idProduct")
        if not vendor or not product:
            continue  # an interface of a device
        name = f"{_read(place / 'manufacturer')} {_read(place / 'product')}".strip()
        device = Device(vendor, product, _read(place / "serial"), name or "no name")
        found.append(Plugged(device, _read(place / "authorized") != "0", place, _read(place / "bDeviceClass") == HUB))
    return tuple(found)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def enrolled(at: Path = ALLOWED) -> frozenset[Device]:
    """What an administrator lets in. UsbError where the file is damaged."""
    try:
        return frozenset(Device(**one) for one in json.loads(at.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, TypeError) as error:
        raise UsbError(f"{at} cannot be read; delete it and enrol what is plugged in: sudo daka usb lock") from error


def enrol(devices: Iterable[Device], at: Path = ALLOWED, rules_at: Path = RULES) -> frozenset[Device]:
    """Let these in from now on, beside those that are; where the bus is locked its rules follow."""
    known = enrolled(at) | frozenset(devices)
    _write(at, json.dumps([asdict(device) for device in sorted(known)], indent=2) + "\n")
    if rules_at.exists():
        _write(rules_at, rules(known))
    return known


def lock(at: Path = ALLOWED, rules_at: Path = RULES) -> None:
    """From now on nothing else is let in."""
    _write(rules_at, rules(enrolled(at)))


def rules(allowed: Iterable[Device]) -> str:
    """For udev(7). New devices begin without authorisation on every root hub; what is enrolled gets it."""
    rows = [
        "# Written by `daka usb`. Only what an administrator has enrolled is let in.",
        'ACTION!="add", GOTO="daka_usb_end"',
        'SUBSYSTEM!="usb", GOTO="daka_usb_end"',
        'ENV{DEVTYPE}!="usb_device", GOTO="daka_usb_end"',
        'KERNEL=="usb[0-9]*", ATTR{authorized_default}="0", GOTO="daka_usb_end"',
        *(_rule(device) for device in sorted(allowed)),
        'ATTR{authorized}="0"',
        'LABEL="daka_usb_end"',
    ]
    return "\n".join(rows) + "\n"


def _rule(device: Device) -> str:
    matched = f'ATTR{{idVendor}}=="{_plain(device.vendor)}", ATTR{{idProduct}}=="{_plain(device.product)}"'
    serial = f', ATTR{{serial}}=="{_plain(device.serial)}"' if device.serial else ""
    return f'{matched}{serial}, ATTR{{authorized}}="1", GOTO="daka_usb_end"'


def _plain(text: str) -> str:
    """A device chooses its own serial: what could mean something to udev becomes the pattern for any one character."""
    return "".join(letter if PLAIN.match(letter) else "?" for letter in text)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise UsbError(f"{path} cannot be written ({error.strerror}); run it as root: sudo daka usb ...") from error
