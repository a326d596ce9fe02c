"""`daka run uplink`: the daemon that reaches the network."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from device import api, config, messages, mqtt, supervisor
from device.commands.context import Context, pass_context
from device.uplink import Uplink


@click.command("uplink")
@pass_context
def run_uplink(context: Context) -> None:
    """The daemon that carries records to the enterprise's broker; it sees no picture and no template."""
    stop = supervisor.stop_on_signals()
    settings = context.config()
    device, topics = settings.device.id, messages.topics(settings.device.id)
    broker = _broker(settings.uplink, context.folder.root)
    with api.UplinkClient(context.folder.uplink_socket) as client:
        goodbye = _first_goodbye(client, stop)
        if goodbye is not None:
            wanted = (topics.acknowledgement, f"{topics.desired}/#", messages.SERVER_STATE_TOPIC)
            pipe = mqtt.PahoPipe(broker, device, wanted, (topics.state, goodbye))
            Uplink(device, client, pipe).run(stop)


def _broker(chosen: config.Uplink, root: Path) -> mqtt.Broker:
    """Where to connect; paths are relative to the state folder."""
    if not (chosen.host and chosen.server_key):
        raise config.ConfigError("uplink.host and uplink.server_key must be set before records can be sent")
    ca, certificate, key = (str(root / name) if name else "" for name in (chosen.ca, chosen.certificate, chosen.key))
    return mqtt.Broker(chosen.host, chosen.port, ca, certificate, key, chosen.keepalive_s)


def _first_goodbye(client: api.UplinkClient, stop: threading.Event) -> bytes | None:
    """The last will comes from the kiosk daemon, which may be starting yet."""
    while not stop.is_set():
        try:
            return client.goodbye()
        except api.KioskAway:
            stop.wait(0.4)
    return None
