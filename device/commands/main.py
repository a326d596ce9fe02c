"""The `daka` command: the kiosk's side. What goes wrong is one sentence and an exit code, never a traceback."""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path

import click
import platformdirs

import device
from device import state
from device.commands.context import Context
from device.commands.lazy import LazyGroup
from device.errors import DeviceError
from device.messages import MessageError
from models.errors import ModelError

APPLIANCE = state.Folder(
    Path("/var/lib/daka"),
    Path("/etc/daka/config.toml"),
    Path("/run/daka"),
    layer=Path("/var/lib/daka-settings/settings.toml"),
    uplink_root=Path("/var/lib/daka-uplink"),
)

SURROGATES = re.compile("[\ud800-\udfff]")  # as bytes that are no UTF-8 come in an argument

COMMANDS = {
    "demo": "device.commands.demo:demo",
    "demo-lock": "device.commands.demo_lock:demo_lock",
    "run": "device.commands.run:run",
    "people": "device.commands.personnel:people",
    "consent": "device.commands.consents:consent",
    "punch": "device.commands.punch:punch",
    "site": "device.commands.sisters:site",
    "enrol": "device.commands.enrol:enrol",
    "enrol-list": "device.commands.enrol:enrol_list",
    "card": "device.commands.cards:card",
    "claim": "device.commands.cards:claim",
    "verify": "device.commands.office:verify",
    "export": "device.commands.export:export",
    "join": "device.commands.join:join",
    "leave": "device.commands.join:leave",
    "correct": "device.commands.correct:correct",
    "models": "device.commands.models:models",
    "evaluate": "device.commands.evaluate:evaluate",
    "config": "device.commands.configuration:configuration",
    "web": "device.commands.web:web",
    "backup": "device.commands.backup:backup",
    "lock": "device.commands.locks:lock",
    "doctor": "device.commands.doctor:doctor",
    "unlock": "device.commands.unlock:unlock",
    "metrics": "device.commands.metrics:metrics",
    "update": "device.commands.update:update",
    "set-broker": "device.commands.set_broker:set_broker",
    "usb": "device.commands.usb:usb_group",
}


def default_state() -> Path:
    """The appliance's folder where there is one, the user's own otherwise."""
    return APPLIANCE.root if APPLIANCE.root.is_dir() else platformdirs.user_state_path("daka")


def folder_at(root: Path, config: Path | None, sockets: Path | None, credentials: Path | None = None) -> state.Folder:
    """The state folder `root`; the appliance's has its settings and sockets elsewhere, unless the environment says where."""
    if root == APPLIANCE.root:
        config, sockets = config or APPLIANCE.config_file, sockets or APPLIANCE.sockets
    layer = APPLIANCE.layer if config == APPLIANCE.config_file else None
    uplink_root = APPLIANCE.uplink_root if root == APPLIANCE.root else None
    return state.Folder(root, config, sockets, credentials, layer, uplink_root)


@click.group(cls=LazyGroup, commands_in=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(device.__version__, prog_name="daka")
@click.option(
    "--state",
    "folder",
    type=click.Path(path_type=Path, readable=False),
    default=default_state,
    envvar="DAKA_STATE",
    help="State folder.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="DAKA_CONFIG",
    help="Settings file; config.toml in the state folder by default.",
)
@click.option(
    "--sockets",
    type=click.Path(path_type=Path),
    envvar="DAKA_SOCKETS",
    help="Folder of the sockets; run in the state folder by default.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", help="How much to log.")
@click.pass_context
def daka(context: click.Context, folder: Path, config: Path | None, sockets: Path | None, log_level: str) -> None:
    """Attendance and face verification on this kiosk.

    A picture never leaves it, and a punch counts once the enterprise's server has signed for it.
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    handed = os.environ.get("CREDENTIALS_DIRECTORY", "")
    context.obj = Context(folder_at(folder.absolute(), config, sockets, Path(handed) if handed else None))


def main() -> None:
    """The console script."""
    try:
        daka()
    except (DeviceError, MessageError, ModelError) as error:
        click.secho(f"daka: {error}", fg="red", err=True)
        sys.exit(1)
    except OSError as error:
        if str(error.filename) not in sys.argv:
            raise
        click.secho(f"daka: {error.filename}: {error.strerror}", fg="red", err=True)
        sys.exit(1)
    except UnicodeEncodeError:
        if not any(SURROGATES.search(word) for word in sys.argv):
            raise
        click.secho("daka: what was typed is no text; set the terminal or the reader to UTF-8", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
