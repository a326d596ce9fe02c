"""`daka usb`: which USB devices this kiosk lets in."""

from __future__ import annotations

import subprocess

import click

from device import usb


@click.group("usb")
def usb_group() -> None:
    """Which USB devices this kiosk lets in: badge readers are enrolled, strangers' devices stay without effect."""


@usb_group.command("list")
def list_devices() -> None:
    """What is plugged in and enrolled, and whether the bus is locked."""
    known, here = usb.enrolled(usb.ALLOWED), usb.plugged(usb.BUS)
    click.echo(
        "locked: only what is enrolled is let in" if usb.RULES.exists() else "open: everything is let in (sudo daka usb lock)"
    )
    for one in here:
        state = "enrolled" if one.device in known else "let in" if one.is_authorised else "not let in"
        click.echo(f"{one.device.mark}  {one.device.name}{'  hub' if one.is_hub else ''}  {state}")
    for device in sorted(known - {one.device for one in here}):
        click.echo(f"{device.mark}  {device.name}  enrolled, not plugged in")


@usb_group.command("lock")
@click.option("--yes", is_flag=True, help="Do not ask.")
def lock(yes: bool) -> None:
    """Enrol what is plugged in now, keyboards too, and let in nothing else from now on. Needs root."""
    here = [one.device for one in usb.plugged(usb.BUS)]
    for device in here:
        click.echo(f"enrolled: {device.mark}  {device.name}")
    if not yes:
        click.confirm("Nothing else is let in from now on, no other keyboard either. Lock?", abort=True)
    usb.enrol(here, usb.ALLOWED, usb.RULES)
    usb.lock(usb.ALLOWED, usb.RULES)
    _apply()
    click.echo(
        "locked; a new badge reader: plug it in, then sudo daka usb enrol. The way back: sudo daka usb unlock, also over ssh"
    )


@usb_group.command("enrol")
@click.argument("marks", nargs=-1)
def enrol(marks: tuple[str, ...]) -> None:
    """Let in what is plugged in: the devices that MARKS name (see `daka usb list`), or all that are not let in yet. Needs root.

    What hangs on a hub is seen once the hub is let in: then once more.
    """
    here = {one.device.mark: one for one in usb.plugged(usb.BUS)}
    unknown = [mark for mark in marks if mark not in here]
    if unknown:
        raise usb.UsbError(f"{', '.join(unknown)} is not plugged in; `daka usb list` shows what is")
    chosen = [one.device for mark, one in here.items() if (mark in marks if marks else not one.is_authorised)]
    hubs = [one.device for one in here.values() if one.is_hub and one.is_authorised]  # what is let in hangs on them
    usb.enrol([*chosen, *hubs], usb.ALLOWED, usb.RULES)
    _apply()
    for device in chosen:
        click.echo(f"enrolled: {device.mark}  {device.name}")
    if not chosen:
        click.echo("nothing to enrol: everything that is plugged in is let in already")


@usb_group.command("unlock")
def unlock() -> None:
    """Let everything in again. Needs root."""
    try:
        usb.RULES.unlink(missing_ok=True)
        for hub in usb.BUS.glob("usb*/authorized_default"):
            hub.write_text("1")
        for one in usb.plugged(usb.BUS):
            (one.at / "authorized").write_text("1")
    except OSError as error:
        raise usb.UsbError(f"the bus cannot be opened ({error.strerror}); run it as root: sudo daka usb unlock") from error
    click.echo("open: everything is let in")


def _apply() -> None:
    """The rules hold for what is there already, too."""
    for words in (("control", "--reload"), ("trigger", "--action=add", "--subsystem-match=usb")):
        done = subprocess.run(("udevadm", *words), capture_output=True, text=True, check=False)
        if done.returncode:
            raise usb.UsbError(f"udevadm {words[0]} failed: {done.stderr.strip()}; it takes effect at the next start")
