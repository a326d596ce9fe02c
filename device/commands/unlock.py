"""`daka unlock`: what opens the templates at a start."""

from __future__ import annotations

import os

import click

from device import config, credential, settings
from device.commands.context import Context, pass_context

SEALED_BY = {"file": "host", "tpm": "tpm2"}
NEXT = "it holds from the kiosk daemon's next start: systemctl restart daka-kiosk"


@click.command()
@click.argument("how", required=False, type=click.Choice(["file", "tpm", "server"]))
@pass_context
def unlock(context: Context, how: str | None) -> None:
    """Choose what opens the templates at a start: this card alone (file), this board's TPM (tpm), or the server's share (server).

    Without HOW, say what it is. With `server` a kiosk without its server recognises no face; every other way counts.
    """
    chosen = context.config()
    if how is None:
        click.echo(f"{chosen.device.unlock}; the device key is {credential.kind_of(credential.STORE)}")
        return
    if how == "server" and not chosen.uplink.renew_url:
        raise config.ConfigError("this kiosk has joined no server that could keep a share for it: daka join")
    if how in SEALED_BY and (credential.STORE.exists() or how == "tpm"):
        if os.geteuid() != 0:
            raise credential.CredentialError(f"sealing the device key is root's affair: sudo daka unlock {how}")
        credential.seal_again(credential.STORE, SEALED_BY[how])
    settings.change(context.folder.config, {"device.unlock": how})
    click.echo(NEXT)
