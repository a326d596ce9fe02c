"""The `daka-lock` command: a lock that speaks the profile, and the hand that presses its button."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
from bumble.device import Device
from bumble.hci import Address
from bumble.transport import open_transport
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import messages
from device.messages import lock
from firmware_bridge.demonstration.air import Air, device_on
from firmware_bridge.demonstration.bluez import Bluez
from firmware_bridge.demonstration.bus import PrivateBus
from firmware_bridge.protocol.diary import Identity
from firmware_bridge.protocol.lock import Lock
from firmware_bridge.reference import control, store
from firmware_bridge.reference.errors import ReferenceLockError
from firmware_bridge.reference.peripheral import Peripheral, bonds

VIRTUAL = "virtual"
FIRMWARE = "1"

folder_option = click.option(
    "--dir", "folder", type=click.Path(path_type=Path), required=True, envvar="DAKA_LOCK", help="Folder of the lock."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", help="How much to log.")
def daka_lock(log_level: str) -> None:
    """The reference contract lock: it has a button, no barrel, and speaks the open profile over Bluetooth."""
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("bumble").setLevel(logging.WARNING)


@daka_lock.command()
@folder_option
@click.argument("lock_id", metavar="LOCK")
@click.argument("grant_key", metavar="GRANT_KEY")
@click.argument("time_key", metavar="TIME_KEY")
@click.option("--name", default="", help="What people call it; empty: its id.")
def init(folder: Path, lock_id: str, grant_key: str, time_key: str, name: str) -> None:
    """Make a lock called LOCK and print its own key, for `daka-enterprise lock add`.

    It takes grants signed by GRANT_KEY (`daka-enterprise keys show grant`) and believes the time of TIME_KEY (`keys show`).
    """
    if not lock.fields.LOCK_ID.accepts(lock_id):
        raise ReferenceLockError(f"{lock_id!r} cannot be a lock's name: A-Z, a-z, 0-9 and hyphens, 4 to 32")
    both = (messages.public_key_from_text(text) for text in (grant_key, time_key))
    home = store.create(folder, lock_id, name or lock_id, *both)
    click.echo(messages.public_key_text(home.key()))


@daka_lock.command()
@folder_option
@click.option(
    "--transport",
    default=VIRTUAL,
    show_default=True,
    help="`virtual`: a private D-Bus with a BlueZ of its own; or a dongle as bumble names it: usb:0, serial:/dev/ttyACM0.",
)
@click.option("--delay-ms", default=0, show_default=True, help="Of each packet on the virtual link.")
@click.option("--move-ms", default=800, show_default=True, help="How long a stamp takes.")
@click.option("--agree", is_flag=True, help="Take every number that is shown for the same; for demonstrations only.")
def run(folder: Path, transport: str, delay_ms: int, move_ms: int, agree: bool) -> None:
    """On the air until it is ended."""
    asyncio.run(_run(store.Home(folder), transport, delay_ms / 1000, move_ms / 1000, agrees=agree))


@daka_lock.command()
@folder_option
@click.option("--fingerprint", is_flag=True, help="With the finger of whoever may.")
def press(folder: Path, fingerprint: bool) -> None:
    """Press the button. Exit code 1 if it did not stamp."""
    stamped = control.ask(store.Home(folder).control, do="press", factor=fingerprint)["stamped"]
    click.echo("stamped" if stamped else "nothing: it waits for no press, or for a finger")
    sys.exit(0 if stamped else 1)


@daka_lock.command()
@folder_option
def agree(folder: Path) -> None:
    """The number on the display is the one on the kiosk."""
    _answer(folder, "agree")


@daka_lock.command()
@folder_option
def disagree(folder: Path) -> None:
    """It is not."""
    _answer(folder, "disagree")


@daka_lock.command()
@folder_option
def tamper(folder: Path) -> None:
    """Open the case by force: it stamps nothing until the enterprise clears it."""
    control.ask(store.Home(folder).control, do="tamper")


@daka_lock.command()
@folder_option
def drop(folder: Path) -> None:
    """Let it fall: the same."""
    control.ask(store.Home(folder).control, do="drop")


@daka_lock.command()
@folder_option
@click.argument("percent", type=click.IntRange(0, 100))
def battery(folder: Path, percent: int) -> None:
    """Let the battery be at PERCENT."""
    control.ask(store.Home(folder).control, do="battery", percent=percent)


@daka_lock.command()
@folder_option
def show(folder: Path) -> None:
    """What its display and its memory show, as JSON."""
    click.echo(json.dumps(control.ask(store.Home(folder).control, do="show"), indent=2))


def _answer(folder: Path, what: str) -> None:
    if not control.ask(store.Home(folder).control, do=what)["asked"]:
        raise ReferenceLockError("nobody is pairing with this lock at the moment")


async def _run(home: store.Home, transport: str, delay_s: float, move_s: float, *, agrees: bool) -> None:
    memory = store.DiskMemory(home.database)
    identity = Identity(home.lock_id(), home.key(), home.grant_key(), home.time_key(), firmware=FIRMWARE)
    inside = Lock(identity, memory, X25519PrivateKey.generate)
    display = control.Display(agrees=agrees)
    async with _on_the_air(home, transport, delay_s) as device:
        peripheral = Peripheral(device, inside, display.compare, bonds(str(home.bonds)), move_s)
        await peripheral.start()
        server = await control.Control(peripheral, display).serve(home.control)
        click.echo(f"{identity.lock} is on the air")
        await _ended()
        server.close()
        await peripheral.stop()
    memory.close()


@asynccontextmanager
async def _on_the_air(home: store.Home, transport: str, delay_s: float) -> AsyncIterator[Device]:
    """A Bluetooth device, virtual (with a BlueZ on a private bus beside it) or real."""
    address = static_address(home.lock_id())
    if transport == VIRTUAL:
        air = Air(delay_s)
        device = device_on(air, home.lock_id(), address)
        with PrivateBus(home.root) as bus:
            async with Bluez(air, bus.address):
                click.echo(f"DBUS_SYSTEM_BUS_ADDRESS={bus.address}")
                yield device
        return
    async with await open_transport(transport) as way:
        yield Device.with_hci(home.lock_id(), Address(address), way.source, way.sink)


async def _ended() -> None:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()


def static_address(lock_id: str) -> str:
    """A random static address (two high bits set) that is always the same for this lock."""
    raw = bytearray(hashlib.sha256(lock_id.encode()).digest()[:6])
    raw[0] |= 0xC0
    return raw.hex(":").upper()


def main() -> None:
    """The console script."""
    try:
        daka_lock()
    except (ReferenceLockError, messages.MessageError) as error:
        click.secho(f"daka-lock: {error}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
