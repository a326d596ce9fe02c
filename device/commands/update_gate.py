"""`daka update gate`: whether a version that was just switched to does its work here, asked of its own command.

Its models answer a drawn face as they have to, its camera gives pictures if it did before, its journal grows and has no trouble.
"""

from __future__ import annotations

from time import monotonic, sleep

import click

import device
from device import api, updates
from device.commands.context import Context, pass_context
from models.errors import ModelError

PATIENCE_S = 90
AGAIN_S = 0.5
WATCHES = frozenset({"streaming", "black"})

patience_option = click.option(
    "--patience",
    type=click.IntRange(5, 3_600),
    default=PATIENCE_S,
    show_default=True,
    help="Seconds to show that it works.",
)


@click.command("gate")
@click.option("--after", type=int, required=True, help="The journal must have grown beyond this record.")
@click.option("--blind", is_flag=True, help="The camera gave no pictures before, either.")
@patience_option
@pass_context
def gate(context: Context, after: int, patience: int, *, blind: bool) -> None:
    """Whether this version does its work here: its models, its camera, its journal."""
    _judge_models(context)
    deadline = monotonic() + patience
    while wrong := _says_against(context, after, blind=blind):
        if monotonic() > deadline:
            raise updates.UpdateFailed(wrong)
        sleep(AGAIN_S)
    click.echo(f"{device.__version__} holds")


def _judge_models(context: Context) -> None:
    """Loaded as the daemon loads them, and asked what nobody asks there before the first person comes: UpdateFailed."""
    from device import sight  # a hundred megabytes of libraries, for this command alone
    from models import reference
    from models.landmarks.choice import Wanted

    chosen = context.config()
    try:
        eyes = sight.load(context.weights(), chosen.recognition, Wanted(chosen.models.landmarks))
        try:
            reference.compare(eyes)
        finally:
            eyes.landmarker.close()
    except ModelError as error:
        raise updates.UpdateFailed(f"the models: {error}") from error


def _says_against(context: Context, after: int, *, blind: bool) -> str:
    """What the kiosk daemon lacks at this moment; "" for nothing."""
    try:
        with api.AdminClient(context.folder.admin_socket) as client:
            found = client.status()
    except api.KioskError as error:
        return str(error)
    if found.trouble:
        return found.trouble
    sees, grows = blind or found.camera_state in WATCHES, found.last > after
    return "" if sees and grows else f"{found.camera} The journal stands at {found.last}."
