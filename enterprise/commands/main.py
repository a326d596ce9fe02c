"""The `daka-enterprise` command: the enterprise's side. What goes wrong is one sentence and an exit code, never a traceback."""

from __future__ import annotations

import logging
import sys

import click

import device
from device import messages
from enterprise.commands import authority, carry, desired, ingest, join, keys, locks, release, show, trust
from enterprise.errors import EnterpriseError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(device.__version__, prog_name="daka-enterprise")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", help="How much to log.")
def daka_enterprise(log_level: str) -> None:
    """The enterprise's side of Daka: take kiosks' records from the broker, exactly once, and sign for them."""
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)


for command in (
    ingest.ingest,
    trust.trust,
    trust.distrust,
    trust.verify_command,
    keys.keys_group,
    release.release,
    release.offer,
    authority.authority_group,
    show.show_group,
    show.settle,
    desired.desired_group,
    join.join_group,
    locks.lock_group,
    locks.grant_group,
    carry.import_command,
):
    daka_enterprise.add_command(command)


def main() -> None:
    """The console script."""
    try:
        daka_enterprise()
    except (EnterpriseError, messages.MessageError) as error:
        click.secho(f"daka-enterprise: {error}", fg="red", err=True)
        sys.exit(1)
    except OSError as error:
        click.secho(f"daka-enterprise: {error.filename or 'this cannot be done'}: {error.strerror or error}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
